"""Stores an archive's records as questions: in batches, in a process apart, also repeatedly.

Imported through `load` (stores an archive) with `batches`, `missing` (questions that a second
import lacks), `said` (options of reading), `ends` (how reading ends), `syncing` (imports at fixed
times) and `attending` (the sign that a file is being read). `load_process` is started as a program.
May touch: `readers`, and the database, one batch in a transaction. Never: loads a model.
"""
