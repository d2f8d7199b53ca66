"""Work beside the caller: its result, or its error, where it is wanted."""

import threading

import pytest

from worker.process.beside import beside


def test_the_caller_goes_on_until_it_wants_the_result() -> None:
    may_go = threading.Event()

    def work() -> bool:
        return may_go.wait(10)

    wanted = beside(work)
    may_go.set()

    assert wanted()


def test_an_error_is_raised_where_the_result_is_wanted() -> None:
    def work() -> None:
        raise TimeoutError("too late")

    wanted = beside(work)

    with pytest.raises(TimeoutError, match="too late"):
        wanted()
