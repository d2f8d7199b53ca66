"""Formats that are tables: delimited files, sheets, Parquet, drawn tables, dumps as SQL.

Imported through one module for each format, by `forms` and `makers`; `dialect` (how a delimited
file is written) and `headers` (where the names of the columns stand) also by other formats.
May touch: `containers`, and the names of columns in `meaning`.
Never: decides which table holds the questions, or lets memory grow with the file where the format
can be read in a stream.
"""
