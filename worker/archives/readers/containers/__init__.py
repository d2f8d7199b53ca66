"""Bytes of files: unpacked, decoded and divided into lines, in bounded memory.

Imported through `streams` (unpacking, encodings, lines), `sevenzip` (members of a 7z file),
`foreign` (formats without a reader) and `window` (a text of any length, read piece by piece). May
touch: open files, pipes and threads that read them. Never: knows what a row or a question is, or
keeps a whole file in memory.
"""
