"""Pages of who runs a forum: its settings and people, its actions, archives brought in.

May touch: `db.tenants`, webhooks, actions, and uploads of archives.
Never: shows a key or a sign-in link a second time.
"""
