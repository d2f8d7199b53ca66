"""What the service does by itself if people allow it, and what ends this: an objection, an edit.

May touch: decisions that no person makes, vetoes, and the forum's ladder.
Must never: decide where a person has decided, or where somebody has objected.
Imported through: `alone`, `ladder`, `objections`.
"""
