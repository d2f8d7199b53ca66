"""Connectors: read the messages of a forum's software, and call its API to carry out actions."""
