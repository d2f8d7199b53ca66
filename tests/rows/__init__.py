"""Rows for tests: forums, questions, pairs, archives and decisions, stored or only as records."""
