"""The stages of a stored archive: link, embed, search, rank, cut, rerank, finish.

Imported only through `slices`: it claims units, does them with `steps`, and plans the next stage.
May touch: `searching`, the models through `worker.matching`, the database at the end of a unit.
Never: keeps a transaction open while a model runs, or commits a unit's findings and the unit's end
separately.
"""
