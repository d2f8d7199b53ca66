"""Labelled pairs: read from files and the hub, split, mined and mixed.

May touch files and the hub. Never trains or measures a model.
"""
