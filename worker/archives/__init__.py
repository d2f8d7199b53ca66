"""The work on a whole archive: read, store, embed, search, rerank, report.

Imported through `readers` (files), `batches` (what of them is stored at a time), `load` (into the
database), `attending` (that it is being read), `load_job` (messages to a process that loads),
`slices` (what a worker does for some time), `report` and `grouping` (what was found), and without a
database `mining` and `blocks`.
May touch: files, the database, PyTorch for products of blocks, the models through
`worker.matching`.
Never: writes a unit's findings apart from the unit's end, or decides itself what a score means.
"""
