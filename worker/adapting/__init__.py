"""A forum's own calibration and threshold: first measured, then applied.

Imported through `calibrating` (from its moderators' decisions), `adapting` (from its links, while
there are few decisions) and `surveying` (near pairs in a sample of its questions). May touch: the
database in short transactions, and the models through `worker.matching`. Never: claims work, checks
a question, or applies a change that nobody asked for.
"""
