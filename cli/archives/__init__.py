"""Archives on the command line: brought in, watched, reported, and mined in memory."""
