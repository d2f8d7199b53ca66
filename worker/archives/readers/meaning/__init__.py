"""The meaning of rows: the fields of columns, hidden questions, the programs that wrote them.

Imported through `reading` (one row at a time) and `by_column` (thousands at once), `columns` (names
of columns), `shapes` with `programs/` (known forum programs) and `lookups` (rows of other tables).
May touch: rows as mappings, and the SQLite file of lookups while an archive is read. Never: knows
the format of a row, or opens a file of the archive.
"""
