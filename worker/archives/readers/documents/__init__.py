"""Formats whose rows lie within a text: JSON, YAML, XML, feeds, mail, and lists of questions.

Imported through one module for each format, by `forms` and `makers`; `recognise` also needs
the paths of `json_rows`, and `tables` needs `loose_json`.
May touch: `tabular` for what both share, `containers`, the names of columns in `meaning`.
Never: decides which table holds the questions, or holds a whole document.
"""
