"""A forum's actions, computed from groups, pairs and the rung, and the forum's answers to them.

May touch: actions, vetoes, the notes of what is not settled yet, and the forum's ladder.
Must never: change a pair or a group: what is to be done follows from them.
Imported through: `actions`, `rows`, `settling`, `vetoes`.
"""
