"""Formats with rows inside a text: JSON, YAML, XML, feeds, mail, and lists of questions.

Imported through one module for each format, by `forms` and `makers`; `recognise` also needs the
paths of `json_rows`, and `tables` needs `loose_json`. May touch: `tabular` for shared parts,
`containers`, the names of columns in `meaning`. Never: decides which table has the questions, or
keeps a whole large document in memory.
"""
