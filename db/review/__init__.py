"""What moderators see: the queue, its entries, claims, and figures.

May touch: claims and skipped pairs; it only reads everything else.
Must never: decide on a pair.
Imported through: `queue`, `entries`, `attention`, `insight`.
"""
