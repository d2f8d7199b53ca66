"""Delivery of events to a forum's webhooks: signed, and repeated after failures.

Imported through `webhooks` (the courier) and `addresses` (which addresses are allowed). May touch:
the database's outbox and the network. Never: loads a model, or sends to an address that `addresses`
has not allowed.
"""
