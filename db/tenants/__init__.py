"""Forums, keys and people: who may do what where.

May touch: forums, API keys, people, their roles and how they sign in.
Must never: store a secret in plain text, or let a right in one forum count in another.
Imported through: `forums`, `keys`, `people`, `attempts`, `rows`.
"""
