"""A forum's own calibration and threshold: measured first, then applied.

Imported through `calibrating` (from its moderators' decisions), `adapting` (from its links, as long
as there are few decisions) and `surveying` (what a sample of its questions shows).
May touch: the database in short transactions, and the models through `worker.matching`.
Never: claims work, checks a question, or changes anything that nobody asked to be put into force.
"""
