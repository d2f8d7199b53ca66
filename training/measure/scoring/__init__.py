"""Pairs scored as the service would: by each stage, and whole files in constant memory.

May touch: the models that serve, and `figures`.
Never: has a score of its own beside theirs.
"""
