"""Training on the command line: the recipes, and what is done with what they leave."""
