"""Imports: an archive's questions are stored, edited, hidden and labelled; missing ones are noted.

May touch: questions by the thousand, pairs that a forum labelled, and what an archive has seen.
Must never: score a pair, change what a person decided, or bring back what was erased.
Imported through: `loading`, `adopting`, `incoming`, `parts`, `links`, `sightings`, `syncs`,
`files`.
"""
