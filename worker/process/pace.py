"""How the interpreter of a process that answers somebody is set.

A thread that comes back from a model, from Postgres or from Redis waits for the one that runs
Python just then, by default for 5 ms: longer than a model needs for a question.
"""

import gc
import sys

_TURN_S = 0.0005


def set_pace() -> None:
    """Let threads take turns quickly, and leave what is loaded by now out of later collections."""
    sys.setswitchinterval(_TURN_S)
    gc.collect()
    gc.freeze()
