"""Archives on the command line: import, progress, reports, and mining in memory."""
