"""Exact candidate search in an archive: products of blocks, and mining without a database.

Imported through `products` (the search of a block, with or without PyTorch) and `mining` (texts in,
duplicates out). May touch: PyTorch, if it is installed, and through `mining` the models of
`worker.matching`. Never: reads the database.
"""
