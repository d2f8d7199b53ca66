"""Texts: what is accepted, normal forms and digests, cells, languages."""
