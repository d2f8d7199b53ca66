"""Forums, keys and people on the command line."""
