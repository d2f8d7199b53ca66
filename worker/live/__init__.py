"""One question's way: claimed, embedded, searched, reranked, kept."""
