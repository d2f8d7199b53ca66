"""Questions on their way in: those that come together are stored together, and who waits is told.

Imported through `submits` (single questions), `batches` (many at once), `store` (where to),
`finishes` (who waits for a worker), and `backpressure` (how many may wait).
May touch: the database in one short transaction, and the queue after its commit.
Never: reads a request or decides about a status code; that is for `api.routes`.
"""
