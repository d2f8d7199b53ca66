"""Exports of results: redirects and groups, for a forum's own program."""
