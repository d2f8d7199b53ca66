"""What goes out: events to the webhooks of a forum, signed, tried again.

Imported through `webhooks` (the courier) and `addresses` (where it may be sent).
May touch: the database's outbox and the network.
Never: loads a model, or sends to an address that `addresses` has not allowed.
"""
