"""Measures the domains of a suite: ranks each by every stage, decides, and makes one table.

May touch: `scoring` and `figures`, models, and the folder of a run. Never: lets a rule decide the
domain that it was fitted on.
"""
