"""Archives: imported files of questions, and the units of work on them.

May touch: archives, their units of work, and the questions and pairs that come with an archive.
Must never: score a pair, or change what a person decided.
Imported through: `archives`, `reading`, `units`, `results`, `blocks`, `report`.
"""
