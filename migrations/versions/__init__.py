"""One idea each; old code must run on the new schema."""
