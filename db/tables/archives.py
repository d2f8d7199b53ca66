"""Archives of old questions and the ledger of their mining."""
