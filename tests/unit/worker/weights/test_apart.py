import sys
from contextlib import suppress
from pathlib import Path

import psutil

from worker.weights.apart import beside, emptied

FOREVER = [sys.executable, "-c", "import time; time.sleep(600)"]


def test_what_a_killed_process_left_is_removed_first_and_the_folder_last(tmp_path: Path) -> None:
    (tmp_path / "work" / "half").mkdir(parents=True)

    with emptied(tmp_path / "work") as folder:
        assert list(folder.iterdir()) == []
        (folder / "more").touch()

    assert not folder.exists()


def test_a_process_beside_ends_with_the_block_whatever_ends_it() -> None:
    before = set(psutil.Process().children())
    with suppress(KeyboardInterrupt), beside(FOREVER):
        (child,) = set(psutil.Process().children()) - before
        raise KeyboardInterrupt

    assert not child.is_running()


def test_the_last_line_of_its_complaint_is_the_reason() -> None:
    complain = "import sys; sys.stderr.write('first\\nno room\\n'); sys.exit(3)"

    with beside([sys.executable, "-c", complain]) as child:
        assert child.wait() == (3, "no room")
    with beside([sys.executable, "-c", ""]) as child:
        assert child.wait() == (0, "no reason given")
