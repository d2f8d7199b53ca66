"""The work on a whole archive: read, store, embed, search, rerank, report.

Imported through `readers` (files), `databases` (forum programs' own), `loading` (into the
database), `load_job` (messages to a process that loads), `stages` (what a worker does for some
time), `report` and `grouping` (what was found), and without a database `searching`. `payload` is
what units of work hand on.
May touch: files, the database, PyTorch for products of blocks, the models through
`worker.matching`.
Never: writes a unit's findings apart from the unit's end, or decides itself what a score means.
"""
