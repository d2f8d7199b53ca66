"""How the service reaches a forum's own software, and its progress with old questions.

May touch: connectors.
Must never: tell a forum's API key to anybody but the worker that calls the forum.
Imported through: `connectors`.
"""
