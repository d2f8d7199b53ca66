"""Trains models: one module for each recipe, and one for what every run does.

May touch everything in `training`. Never serves: the worker never imports it.
"""
