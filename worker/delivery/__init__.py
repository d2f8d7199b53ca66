"""Delivery of events to a forum's webhooks: signed, and tried again.

Imported through `webhooks` (the courier) and `addresses` (where it may be sent).
May touch: the database's outbox and the network.
Never: loads a model, or sends to an address that `addresses` has not allowed.
"""
