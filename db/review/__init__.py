"""What a reviewer looks at: the queue, its entries, who has what on screen, the figures.

May touch: claims and pairs put aside; all else it only reads.
Must never: decide on a pair.
Imported through: `queue`, `entries`, `attention`, `insight`.
"""
