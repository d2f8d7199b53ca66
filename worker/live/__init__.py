"""The work on one question: claim, embed, search, rerank, save.

Imported through `drain` and `pipeline` (claimed questions), `check` (a text that is not stored),
`fill` and `recheck` (every stored question again), `blame` and `unreadable` (what made a batch
fail).
May touch: the database in short transactions, and the models through `worker.matching`.
Never: holds a transaction open while a model runs, or decides itself what a score means.
"""
