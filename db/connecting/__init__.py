"""How the service reaches a forum's own software, and how far it is with its old questions.

May touch: connectors.
Must never: tell a forum's API key to anybody but the worker that calls the forum.
Imported through: `connectors`.
"""
