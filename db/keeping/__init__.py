"""Backups of the whole database, and files of one forum: written and restored.

May touch: every table.
Must never: change the database that it copies, or overwrite rows unless it is asked to.
Imported through: `backup`, `restore`, `forum_export`, `forum_import`, `forum_parts`, `stream`,
`retention`, `undoing`.
"""
