"""Formats whose rows lie within a text: JSON, XML, mail, and lists of questions with answers.

Imported through one module for each format, by `tables`; `recognise` also needs the paths of
`json_rows`.
May touch: `tabular` for what both share, `containers`, the names of columns in `meaning`.
Never: decides which table holds the questions, or holds a whole document.
"""
