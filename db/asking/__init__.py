"""What askers did about the questions that were suggested to them.

May touch: outcomes.
Must never: keep a text that was asked about.
Imported through: `outcomes`.
"""
