"""Bytes of files: unpacked, decoded and divided into lines, in bounded memory.

Imported through `streams` (unpacking, encodings, lines), `sevenzip` (members of a 7z file),
`foreign` (what is not read) and `window` (a text of any length that moves past).
May touch: open files, pipes and threads that read them.
Never: knows what a row or a question is, or holds a whole file.
"""
