"""What a row means: which column has which field, what hides a question, which program wrote it.

Imported through `reading` (one row at a time) and `by_column` (thousands at once), `columns` (names
of columns), `shapes` with `programs/` (known forum programs) and `lookups` (rows of other tables).
May touch: rows as mappings, and the store in SQLite that lookups keep while an archive is read.
Never: knows in which format a row came, or opens a file of the archive.
"""
