"""Formats that are tables: delimited files, sheets, Parquet, drawn tables, dumps as SQL.

Imported through one module for each format, by `forms` and `makers`. Other formats also import
`dialect` (how a delimited file is written) and `headers` (the line with the names of the columns).
May touch: `containers`, and the names of columns in `meaning`. Never: decides which table has the
questions, or lets memory grow with the file if the format can be read in a stream.
"""
