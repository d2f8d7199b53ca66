"""From scores and labels to figures: metrics, intervals, calibration. Loads no model.

May touch: `worker.scoring`, whose rules it fits.
Never: reads a file.
"""
