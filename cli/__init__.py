"""The `askedbefore` command."""

import gc

# Python looks for garbage after every 700 new objects, which is a quarter of the start of a
# command: its libraries make half a million objects that all stay.
gc.set_threshold(100_000, 20, 20)
