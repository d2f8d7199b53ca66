"""What a forum is to carry out, computed from groups, pairs and the forum's rung, and its answers.

May touch: actions, vetoes, the notes of what is not settled yet, and the forum's ladder.
Must never: change a pair or a group: what is to be done follows from them.
Imported through: `actions`, `rows`, `settling`, `vetoes`.
"""
