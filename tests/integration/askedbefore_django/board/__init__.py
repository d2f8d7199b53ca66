"""A small forum of Django, as a reader of the documentation would connect it."""
