"""Settings of the Python interpreter for processes that must answer quickly.

A thread that returns from a model, Postgres or Redis waits for the thread that runs Python code, by
default up to 5 ms. A model needs less time for a question.
"""

import gc
import sys

_TURN_S = 0.0005


def set_pace() -> None:
    """Let threads switch after 0.5 ms, and leave loaded objects out of garbage collections."""
    sys.setswitchinterval(_TURN_S)
    gc.collect()
    gc.freeze()
