"""Forums, keys and people: who may do what where.

May touch: forums, API keys, people, their roles and how they sign in.
Must never: keep a secret as it is, or let a right in one forum count in another.
Imported through: `forums`, `keys`, `people`, `rows`.
"""
