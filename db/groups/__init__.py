"""Groups of duplicates and their canonical question."""
