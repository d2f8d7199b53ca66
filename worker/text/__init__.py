"""Texts as people mean them: normal forms and digests, cells of tables, languages."""
