"""Single values: texts, moments, markup, and the conditions on them. Pure functions.

Imported through `texts` (a value as a text, or dropped), `dates` with `months` and `moments`
(moments as exporters write them), `markup` (text out of HTML and BBCode) and `conditions`.
May touch: the limits in `worker.text.intake`.
Never: reads a file, or knows the row that a value stands in.
"""
