"""``make demo-forum``: sets up Askbot and the service, and prints two links."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from cli.running.service import held_port
from cli.sample import load_questions
from integrations.demo.forum import ROOT, Askbot
from integrations.demo.service import FORUM, Up, keys_of

_QUESTIONS = 200
console = Console()


def settings(forum: Askbot, up: Up, keys: dict[str, str]) -> dict[str, object]:
    """Return ``ASKEDBEFORE`` for the Askbot of a demo."""
    return {
        "URL": up.url,
        "FORUM": FORUM,
        "SITE_URL": forum.url,
        "SOURCES": ["askedbefore_django.askbot.Questions"],
        **keys,
    }


@contextmanager
def demo(folder: Path, *, environment: Path, questions: int) -> Iterator[tuple[Askbot, Up]]:
    """Run Askbot and the service in *folder* for the block, with this many sample questions."""
    web, api = _ports(folder / "ports.json")
    forum, up = Askbot(folder / "askbot", web, environment), Up(folder / "service", api)
    console.print("Installing Askbot into an environment of its own (once)")
    forum.install()
    console.print("Starting the service")
    try:
        up.start()
        _fill(folder, forum, up, questions=questions)
        with forum.running():
            yield forum, up
    finally:
        up.stop()


def _fill(folder: Path, forum: Askbot, up: Up, *, questions: int) -> None:
    """Make the forum, its questions, and the service's copy of them, where they are not yet."""
    is_done = folder / "is-filled"
    console.print("Setting Askbot up")
    forum.set_up(settings(forum, up, keys_of(folder / "keys.json", up, forum.url)))
    if not is_done.exists():
        console.print(f"Asking {questions} questions in it")
        forum.seed(load_questions()[:questions])
        console.print(forum.manage("askedbefore_backfill"), end="")
        is_done.touch()


def _ports(path: Path) -> tuple[int, int]:
    """Return the ports of a demo, which stay the same: links to questions hold one of them."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with held_port() as web, held_port() as api:
            path.write_text(json.dumps([web, api]), encoding="utf-8")
    web, api = json.loads(path.read_text(encoding="utf-8"))
    return web, api


def main() -> None:
    """Run the demo until Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = ROOT / ".demo"
    with demo(folder, environment=folder / "environment", questions=_QUESTIONS) as (forum, up):
        console.print(
            f"\nThe forum, where you are asker with the password"
            f" “a password for the demo”:\n  {forum.url}/questions/ask/"
        )
        console.print(f"The console; this link signs you in once:\n  {up.sign_in_link()}")
        console.print("Ctrl-C stops both and keeps the data in .demo.")
        try:
            signal.pause()
        except KeyboardInterrupt:
            console.print("Stopping")


if __name__ == "__main__":
    main()
