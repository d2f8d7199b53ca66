"""Results taken out: redirects and groups, for a forum's own program."""
