"""What is asked most: groups by size and growth, and questions that rise now.

May touch: the events about a rising question.
Must never: change a pair or a group.
Imported through: `ranking`, `rising`.
"""
