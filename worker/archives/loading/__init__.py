"""From an archive's records to stored questions: batches, second imports, a process of its own.

Imported through `load` (stores an archive) with `batches`, `missing` (what a second import misses),
`said` (what somebody says of a file), `ends` (how reading ends) and `syncing` (imports by the
clock) and `attending` (says that somebody reads). `load_process` is started as a program.
May touch: `readers`, and the database, one batch in a transaction.
Never: loads a model.
"""
