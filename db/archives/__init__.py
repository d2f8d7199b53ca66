"""Archives: what was imported, its units of work, its blocks and its report."""
