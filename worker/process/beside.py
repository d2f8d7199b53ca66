"""Does work in a thread while the caller waits for something else."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

_Result = TypeVar("_Result")


def beside(work: Callable[[], _Result]) -> Callable[[], _Result]:
    """Start *work* in a thread; the returned function waits for its result, or raises its error."""
    result: Future[_Result] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:  # noqa: BLE001  # raised where the result is wanted
            result.set_exception(error)

    threading.Thread(target=run, name="beside", daemon=True).start()
    return result.result
