import threading
import time

from worker.process.turns import Turns


def test_the_watch_has_the_turn_only_where_no_task_has_it() -> None:
    turns = Turns()

    with turns.of_task(), turns.spare() as while_task:
        pass
    with turns.spare() as alone, turns.spare() as twice:
        pass

    assert (while_task, alone, twice) == (False, True, False)


def test_a_task_that_waits_is_noticed_and_comes_next() -> None:
    turns, order = Turns(), []

    def task() -> None:
        with turns.of_task():
            order.append("task")

    with turns.spare() as is_ours:
        assert is_ours
        thread = threading.Thread(target=task)
        thread.start()
        while not turns.is_wanted():
            time.sleep(0.001)
        order.append("watch")
    with turns.spare() as is_ours_again:
        if is_ours_again:
            order.append("watch again")
    thread.join()

    assert order[:2] == ["watch", "task"]
    assert not turns.is_wanted()


def test_idle_time_counts_from_the_end_of_the_last_task() -> None:
    turns = Turns()
    time.sleep(0.05)
    before = turns.idle_s()

    with turns.of_task():
        time.sleep(0.02)
        during, task = turns.idle_s(), turns.task_s()

    assert before >= 0.05
    assert during == 0.0
    assert task >= 0.02
    assert turns.idle_s() < before
    assert turns.task_s() == 0.0
