"""Models, their partitions, and the vectors in them.

May touch: models, vectors, and the tables and indexes that hold the vectors.
Must never: compare vectors of two models, or of two forums.
Imported through: `embeddings`, `models`, `partitions`, `rows`.
"""
