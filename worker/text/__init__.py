"""Texts as people mean them: what is accepted, normal forms and digests, cells, languages."""
