"""Pairs that the models found, thresholds, and what a forum's decisions taught."""
