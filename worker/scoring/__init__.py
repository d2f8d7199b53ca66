"""From numbers to a probability and a decision: fusion, gate, recalibration.

Imported through `calibration` (what was fitted, by bi-encoder), `fusion` (evidence to a
probability), `traits` (words in common, bodies on both sides), `gate` (what is left out unread)
and `recalibration` (a forum's own line).
May touch: NumPy, and a calibration's or a gate's file beside a model.
Never: runs a model, opens a session, or knows where a pair came from.
"""
