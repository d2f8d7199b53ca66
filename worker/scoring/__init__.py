"""From numbers to a probability and a decision: fusion, gate, recalibration.

Imported through `calibration` (what was fitted for each bi-encoder), `fusion` (from cosine and
logit to a probability), `traits` (words in common, bodies), `gate` and `chance` (which pairs are
not read) and `recalibration` (a forum's own calibration). May touch: NumPy, and the file of a
calibration or a gate beside a model. Never: runs a model, opens a session, or knows where a pair
came from.
"""
