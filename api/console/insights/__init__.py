"""Pages that look back: figures, the history with its export, and the effect of each threshold.

May touch: decisions as they were made, and the forum's threshold and calibration.
Never: decides about a pair.
"""
