"""Outgoing events, webhooks, and the deliveries to them.

May touch: events, webhooks and deliveries.
Must never: put the text of a question into an event.
Imported through: `events`, `webhooks`.
"""
