"""What is kept of a whole database in one file, and how it comes back, into any later version.

May touch: every table, all at once.
Must never: change the database that it copies, or write over rows without being told to.
Imported through: `backup`, `restore`, `stream`, `retention`, `undoing`.
"""
