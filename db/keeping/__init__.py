"""What is kept of a whole database or of one forum in a file, and how it comes back.

May touch: every table, all at once.
Must never: change the database that it copies, or write over rows without being told to.
Imported through: `backup`, `restore`, `forum_export`, `forum_import`, `forum_parts`,
`stream`, `retention`, `undoing`.
"""
