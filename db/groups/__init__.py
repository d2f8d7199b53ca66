"""Groups of duplicates and the question in each that the others point to.

May touch: groups and their members, with the events that tell of them.
Must never: change a pair: groups follow from the confirmed pairs.
Imported through: `groups`, `regrouping`, `components`.
"""
