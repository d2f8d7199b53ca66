"""The work on a whole archive: read, store, embed, search, rerank, report.

Imported through `readers` (files), `databases` (databases of forum software), `loading` (records to
stored questions), `load_job` (messages to a process that loads), `stages` (the units of a worker),
`report` and `grouping` (the results), and `searching` (mining without a database). `payload` has
the data that units pass on. May touch: files, the database, PyTorch for products of blocks, the
models through `worker.matching`. Never: commits a unit's findings and the unit's end separately, or
decides itself what a score means.
"""
