"""Imports: what an archive brings in is stored, edited, hidden, labelled, or missed.

May touch: questions by the thousand, pairs that a forum labelled, and what an archive has seen.
Must never: score a pair, change what a person decided, or bring back what was erased.
Imported through: `loading`, `incoming`, `parts`, `links`, `sightings`, `syncs`, `files`.
"""
