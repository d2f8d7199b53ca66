"""Texts become vectors, candidates and flagged pairs."""
