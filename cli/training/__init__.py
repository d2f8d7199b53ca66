"""Training on the command line."""
