"""``make demo-forum``: sets up Askbot and the service, and prints two links."""

import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from cli.running.service import held_port
from cli.sample import load_questions
from db.errors import ServiceError
from db.wording import counted
from integrations.demo.forum import ROOT, Askbot, DemoError
from integrations.demo.service import FORUM, Up, keys_of

_QUESTIONS = 200
_LOOK_S = 0.5
console = Console(highlight=False)


def settings(forum: Askbot, up: Up, keys: dict[str, str]) -> dict[str, object]:
    """Return the setting ``ASKEDBEFORE`` for the Askbot of a demo."""
    return {
        "URL": up.url,
        "FORUM": FORUM,
        "SITE_URL": forum.url,
        "SOURCES": ["askedbefore_django.askbot.Questions"],
        **keys,
    }


@contextmanager
def demo(folder: Path, *, environment: Path, questions: int) -> Iterator[tuple[Askbot, Up]]:
    """Run Askbot and the service in *folder* for the block, with this many sample questions.

    Steps that an earlier run has finished are not repeated. Raises `DemoError` if *folder* is in
    use.
    """
    with _held(folder):
        web, api = _ports(folder / "ports.json")
        forum, up = Askbot(folder / "askbot", web, environment), Up(folder / "service", api)
        console.print("Installing Askbot into an environment of its own (once)")
        forum.install()
        console.print(f"Starting the service; its log is {up.log}", soft_wrap=True)
        try:
            up.start()
            _fill(folder, forum, up, questions=questions)
            with forum.running():
                yield forum, up
        finally:
            up.stop()


def _fill(folder: Path, forum: Askbot, up: Up, *, questions: int) -> None:
    """Create the forum and its questions and send them to the service, unless this is done."""
    filled = forum.folder / "is-filled"
    console.print("Setting Askbot up")
    forum.set_up(settings(forum, up, keys_of(folder / "keys.json", up, forum.url)))
    # The service stores links to questions, so after a change of the address all are sent again.
    if not filled.exists() or filled.read_text(encoding="utf-8") != forum.url:
        console.print(f"Asking {counted(questions, 'question')} in the forum")
        forum.seed(load_questions()[:questions])
        console.print(forum.manage("askedbefore_backfill", "--restart"), end="")
        filled.write_text(forum.url, encoding="utf-8")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Own *folder* for the block; raises `DemoError` if another demo does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DemoError(f"a demo runs in {folder} already: use it, or end it first") from error
        yield


def _ports(path: Path) -> tuple[int, int]:
    """Return the ports of forum and service: those of the last run, unless they are taken."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else [0, 0]
    web, api = map(_free, known)
    if [web, api] != known:
        path.write_text(json.dumps([web, api]), encoding="utf-8")
    return web, api


def _free(wanted: int) -> int:
    """Return this port, or a free one if it is taken."""
    try:
        with held_port(wanted) as port:
            return port
    except OSError:
        console.print(f"Port {wanted} is taken: another one is used")
        with held_port() as port:
            return port


def _serve(folder: Path) -> None:
    """Run the demo in *folder* until it is interrupted, or until a process of it ends."""
    with demo(folder, environment=folder / "environment", questions=_QUESTIONS) as (forum, up):
        console.print(
            f"\nThe forum, where you are asker with the password"
            f" “a password for the demo”:\n  {forum.url}/questions/ask/"
        )
        console.print("The console; this link signs you in once:")
        console.print(f"  {up.sign_in_link()}", soft_wrap=True)
        console.print(f"Ctrl-C stops both and keeps the data in {folder.name}.")
        while True:
            time.sleep(_LOOK_S)
            up.check()
            forum.check()


def main() -> None:
    """Run the demo until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = ROOT / ".demo"
    try:
        _serve(folder)
    except KeyboardInterrupt:
        console.print(f"\nStopped. `make demo-forum` continues with the data in {folder.name}.")
    except (DemoError, ServiceError, OSError) as error:
        console.print(f"The demo cannot continue: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
