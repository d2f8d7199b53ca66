"""A whole archive's way: read, store, embed, search, rerank, report."""
