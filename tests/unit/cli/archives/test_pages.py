"""A report as files: figures, a page without other files, and a table that runs nothing."""

import csv
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from cli.archives.pages import as_html, facts, write_files
from db.archives.report import FoundPair
from worker.archives.report import Report

ODD = "<b>\"eggs\" & 'bacon'</b>"


def report(**changes: Any) -> Report:
    values: dict[str, Any] = {
        "archive": "old.csv",
        "forum": "cooks",
        "form": "csv",
        "state": "done",
        "by_kind": {"model": 3},
        "by_score": {"0.5": 3, "0.9": 1},
        "threshold": 0.5,
        "histogram": [0, 1, 2, 10],
        "group_sizes": {"2": 1},
        "largest": [{"size": 2, "canonical": ODD, "chained": True, "weakest": 0.5}],
        "stages_s": {"embed": 2.5, "rerank": 40.0},
        "slowest": "rerank",
        "elapsed_s": 10.0,
        "recall": "Nothing is known.",
        "precision": ODD,
    }
    counts = [name for name in Report.__dataclass_fields__ if name not in values]
    return Report(**{**dict.fromkeys(counts, 1_000), **values, **changes})


def pair(**changes: Any) -> FoundPair:
    values: dict[str, Any] = {
        "low_id": 1,
        "high_id": 2,
        "low_external_id": "a",
        "high_external_id": "b",
        "low_title": "=HYPERLINK(1)",
        "high_title": ODD,
        "kind": "model",
        "status": "flagged",
        "cosine": 0.87654,
        "score": 0.91234,
    }
    return FoundPair(**{**values, **changes})


def svgs(html: str) -> list[ET.Element]:
    parts = [part.split("</svg>")[0] for part in html.split("<svg")[1:]]
    return [ET.fromstring(f"<svg{part}</svg>") for part in parts]  # noqa: S314  # our own page


def test_the_files_are_written_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "report"

    paths = write_files(folder, report(), [pair(), pair(cosine=None)])

    assert [path.name for path in paths] == ["report.json", "pairs.csv", "report.html"]
    assert json.loads(paths[0].read_text(encoding="utf-8"))["by_score"] == {"0.5": 3, "0.9": 1}
    with paths[1].open(encoding="utf-8", newline="") as stream:
        header, first, second = csv.reader(stream)
    assert header == ["id1", "id2", "question1", "question2", "kind", "status", "cosine", "score"]
    assert first[2:4] == ["'=HYPERLINK(1)", ODD]
    assert (first[6:], second[6]) == (["0.8765", "0.9123"], "")


def test_no_text_of_a_forum_is_markup() -> None:
    page = as_html(report(archive=ODD, forum=ODD, recall=ODD))

    assert ODD not in page
    assert page.count("&lt;b&gt;&quot;eggs&quot; &amp; &#x27;bacon&#x27;&lt;/b&gt;") >= 5
    assert "(chained)" in page
    assert "http" not in page


@pytest.mark.parametrize(
    "histogram", [[], [0], [0, 0], [5], list(range(100)), [10**9, 0, 1]], ids=len
)
def test_bars_stay_inside_of_their_plot(histogram: list[int]) -> None:
    drawn = svgs(as_html(report(histogram=histogram)))

    assert len(drawn) == (4 if histogram else 3)
    for svg in drawn:
        for bar in svg.iter("rect"):
            x, y, width, height = (float(bar.attrib[n]) for n in ("x", "y", "width", "height"))
            assert 0 <= x <= x + width <= 641
            assert 23 <= y <= y + height <= 157


def test_an_archive_without_work_has_a_page_too() -> None:
    empty = report(histogram=[], by_score={}, group_sizes={}, stages_s={}, slowest="", largest=[])

    assert svgs(as_html(empty)) == []
    assert "slowest stage" not in dict(facts(empty))


@pytest.mark.parametrize(
    ("changes", "name", "told"),
    [
        ({"questions": 20_000, "elapsed_s": 100.0}, "time", "100 s, 200 questions a second"),
        ({"elapsed_s": 0.0}, "time", "0 s, 0 questions a second"),
        ({"groups": 2, "grouped": 1}, "groups", "2 of 1 question"),
        ({"set_aside": 1}, "set aside after failing", "1 unit of work"),
        ({"set_aside": 2}, "set aside after failing", "2 units of work"),
        ({}, "slowest stage", "rerank, 40 s of work"),
        ({"threshold": 0.71}, "threshold", "0.71"),
        ({"pairs": 1_234_567}, "duplicate pairs", "1,234,567"),
    ],
)
def test_figures_are_said_for_people(changes: dict[str, Any], name: str, told: str) -> None:
    assert dict(facts(report(**changes)))[name] == told


def test_what_did_not_happen_is_not_told() -> None:
    assert "set aside after failing" not in dict(facts(report(set_aside=0)))
