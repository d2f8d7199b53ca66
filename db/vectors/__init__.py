"""Models, their partitions, and the vectors in them.

May touch: models, vectors, and the tables and indexes with the vectors.
Must never: compare vectors of two models, or of two forums.
Imported through: `changes`, `embeddings`, `models`, `partitions`, `rows`, `sampling`.
"""
