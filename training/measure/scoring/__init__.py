"""Scores pairs as the service would: by each stage, and whole files in constant memory.

May touch: the models that serve, and `figures`. Never: makes a score in another way than the
service.
"""
