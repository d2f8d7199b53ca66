"""The domains of a suite: each ranked by every stage, decided, and put into one table.

May touch: `scoring` and `figures`, models, and the folder in which a run is kept.
Never: lets a rule decide the domain that it was fitted on.
"""
