"""Exact candidate search in an archive: blocks of vectors, and mining without a database.

Imported through `products` (the search of a block, with or without PyTorch) and `mining` (texts in,
duplicates out).
May touch: PyTorch, where it is installed, and through `mining` the models of `worker.matching`.
Never: asks the database.
"""
