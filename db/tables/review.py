"""People, claims, decisions, groups and webhooks."""
