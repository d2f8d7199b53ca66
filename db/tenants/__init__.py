"""Forums, keys and people: who may do what where."""
