"""Loads the sample forum for `askedbefore up`, and prints its pairs."""

import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from cli.bars import stage_bars
from cli.client import Client
from cli.sample import FORUM, labels, load_questions
from db.wording import counted

_ROWS = 25
_BATCH = 100
_PAUSE_S = 0.2


def load(console: Console, client: Client, *, check: Callable[[], object]) -> None:
    """Send the sample's questions and wait until all are checked; *check* is called repeatedly."""
    questions = load_questions()
    total = left = len(questions)
    with stage_bars(console) as show:
        for start in range(0, total, _BATCH):
            batch = questions[start : start + _BATCH]
            client.submit(FORUM, batch)
            show("Questions sent", len(batch), total)
        while left > 0:
            check()
            pending = client.count_pending(FORUM)
            show("Questions checked", left - pending, total)
            if (left := pending) > 0:
                time.sleep(_PAUSE_S)


def show(console: Console, client: Client) -> None:
    """Print the sample's pairs, and how many of the known duplicates are among them."""
    pairs = sorted(client.pairs(FORUM), key=lambda pair: (pair["kind"], -float(pair["score"])))
    table = Table(title=f"{counted(len(pairs), 'pair')} flagged", title_justify="left")
    table.add_column("score", justify="right")
    for heading in ("kind", "asked", "asked again"):
        table.add_column(heading)
    for pair in pairs[:_ROWS]:
        titles = [question["title"] for question in pair["questions"]]
        table.add_row(f"{pair['score']:.3f}", pair["kind"], *titles)
    console.print(table)
    if len(pairs) > _ROWS:
        console.print(f"… and {len(pairs) - _ROWS} more: GET {client.url}/v1/forums/{FORUM}/pairs")
    known = labels()
    if known:
        console.print(_recall(pairs, known), highlight=False)


def _recall(pairs: list[dict[str, object]], known: dict[frozenset[str], str]) -> str:
    flagged = {
        frozenset(str(question["id"]) for question in pair["questions"])  # type: ignore[attr-defined]
        for pair in pairs
    }
    near = {pair for pair, label in known.items() if label == "near_miss"}
    duplicates = set(known) - near
    return (
        f"Flagged: {len(duplicates & flagged)} of the sample's"
        f" {counted(len(duplicates), 'known duplicate')}, {len(near & flagged)} of its"
        f" {counted(len(near), 'near-miss', 'near-misses')}."
    )
