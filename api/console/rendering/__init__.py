"""From values to HTML: templates, words for numbers, positions in charts, words that differ.

May touch: the folders `templates` and `static`.
Never: asks the database, or lets a text through unescaped.
"""
