"""The core of both live questions and archives: embed, near, gate, rerank, keep.

Imported through `matcher` (one pair of models with the decision in force), `near` (candidate pairs
as arrays), `findings` (scored pairs by question id), `pairs` (pairs that somebody gives, with every
stage of their scores), `models` (the two with their rows in the database), `vectors` (stored
questions and their vectors) and `search` (the nearest stored questions) with `memory`.
May touch: `worker.inference`, `worker.scoring`, `worker.text`, and through `vectors`, `search` and
`memory` the database.
Never: claims work, opens a transaction around a model, or knows whether a question is live or of
an archive.
"""
