"""The review page: the queue, a pair or a whole entry on the stage, decisions, groups, colleagues.

May touch: `db.review`, `db.deciding` and `db.groups` in short transactions.
Never: scores a pair, or runs SQL of its own.
"""
