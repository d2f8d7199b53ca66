"""Groups of duplicates, each with its canonical question.

May touch: groups and their members, with the events about them.
Must never: change a pair: groups follow from the confirmed pairs.
Imported through: `groups`, `regrouping`, `canonical`, `components`, `redirects`.
"""
