"""Pages for the people who run a forum: its settings and members, its actions, uploads of archives.

May touch: `db.tenants`, webhooks, actions, and uploads of archives.
Never: shows a key or a sign-in link a second time.
"""
