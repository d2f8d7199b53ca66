"""The `askedbefore` command."""
