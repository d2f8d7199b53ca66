"""The common core for live questions and archives: embed, near, gate, rerank, keep.

Imported through `matcher` (a bi-encoder and a reranker with the threshold in force), `near`
(candidate pairs as arrays), `findings` (scored pairs by question id), `pairs` (given pairs with the
scores of every stage), `models` (both models with their rows in the database), `vectors` (stored
questions and their vectors) and `search` (the nearest stored questions) with `memory`. May touch:
`worker.inference`, `worker.scoring`, `worker.text`, and through `vectors`, `search` and `memory`
the database. Never: claims work, keeps a transaction open while a model runs, or knows whether a
question is live or of an archive.
"""
