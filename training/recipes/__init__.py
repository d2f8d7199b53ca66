"""Trains models: one module for each recipe, and modules that all recipes share.

May touch everything in `training`. Never serves: the worker never imports it.
"""
