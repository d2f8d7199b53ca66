"""Who may come in: moderators with a signed cookie, and askers with the address of an objection.

May touch: `db.tenants`, and the settings of the console.
Never: tells a stranger whether a name is known.
"""
