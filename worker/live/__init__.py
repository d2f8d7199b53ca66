"""The work on one question: intake, claim, embed, search, rerank, save.

Imported through `intake` (what is accepted), `drain` and `pipeline` (claimed questions), `check`
(a text that is not stored), `fill` and `recheck` (every stored question again) and `calibrating`
(a forum's own calibration).
May touch: the database in short transactions, and the models through `worker.matching`.
Never: holds a transaction open while a model runs, or decides itself what a score means.
"""
