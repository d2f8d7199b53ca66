"""Outgoing events, webhooks, and the deliveries to them.

May touch: events, webhooks, deliveries, and the pairs and groups that they are about.
Must never: put the text of a question into an event.
Imported through: `events`, `webhooks`, `deliveries`.
"""
