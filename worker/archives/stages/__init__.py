"""The stages of an archive that is stored: embed, search, rerank, and report.

Imported through `slices` alone: it claims units, does them by `steps`, and plans the next stage.
May touch: `searching`, the models through `worker.matching`, the database at the end of a unit.
Never: holds a transaction open while a model runs, or writes a unit's findings apart from its end.
"""
