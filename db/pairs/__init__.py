"""Pairs that the models scored, thresholds, and forums' own calibrations.

May touch: pairs that nobody decided on, the forum's threshold and its calibration.
Must never: overwrite what a person decided on a text that is still the same.
Imported through: `pairs`, `listing`, `thresholds`, `calibrations`, `outdated`, `rows`.
"""
