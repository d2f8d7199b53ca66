"""One question's way: let in, claimed, embedded, searched, reranked, kept.

Imported through `intake` (what is let in), `drain` and `pipeline` (claimed questions), `check`
(a text that is not stored), `fill` and `recheck` (every stored question once more) and
`calibrating` (what a forum's decisions teach).
May touch: the database in short transactions, and the models through `worker.matching`.
Never: holds a transaction open while a model thinks, or says itself what a score is worth.
"""
