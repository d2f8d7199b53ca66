"""Single values: texts, moments, markup, and conditions. Pure functions.

Imported through `texts` (values as texts, or dropped), `dates` with `months` and `moments` (moments
as exporters write them), `markup` (text from HTML and BBCode) and `conditions`. May touch: the
limits in `worker.text.intake`. Never: reads a file, or knows the row of a value.
"""
