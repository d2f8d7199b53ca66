"""Recipes that train, calibrate, evaluate and export the models."""
