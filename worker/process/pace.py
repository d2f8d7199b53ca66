"""Settings of the Python interpreter for processes that must answer quickly.

A thread that returns from a model, from Postgres or from Redis waits for the thread that runs
Python code, by default for 5 ms. A model needs less time for a question.
"""

import gc
import sys

_TURN_S = 0.0005


def set_pace() -> None:
    """Let threads take turns quickly, and leave loaded objects out of later garbage collections."""
    sys.setswitchinterval(_TURN_S)
    gc.collect()
    gc.freeze()
