"""What units hand on, and the report's page."""

import csv
import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cli.archives.pages import as_html, write_files
from db.archives.report import FoundPair
from db.imports.links import Label
from worker.archives.payload import Bars, pack_labels, pack_near, unpack_labels, unpack_near
from worker.archives.report import Report
from worker.matching.archived import looks
from worker.matching.near import Near

REPORT = Report(
    archive="<old>.csv",
    forum="cooks",
    form="csv",
    state="done",
    questions=10,
    created=9,
    changed=0,
    unchanged=1,
    rejected=2,
    pairs=3,
    by_kind={"model": 3},
    by_score={"0.9": 2, "0.95": 1},
    threshold=0.85,
    histogram=[5, 0, 0, 3],
    groups=1,
    grouped=3,
    group_sizes={"3": 1},
    largest=[{"size": 3, "canonical": "Why <b>?", "weakest": 0.9, "chained": True}],
    chained=1,
    cut=0,
    candidates=12,
    reranked=8,
    crowded=0,
    set_aside=0,
    stages_s={"embed": 1.5, "rerank": 2.5},
    slowest="rerank",
    elapsed_s=5.0,
    recall="Everything was compared.",
    precision="Precision not measured.",
)


def near(*rows: tuple[int, int, float]) -> Near:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return Near(
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.float32),
    )


@given(st.lists(st.integers(0, 700)), st.integers(1, 2_000))
def test_looks_cover_every_row_once_and_are_no_longer_than_a_row_beyond_their_length(
    lengths: list[int], look: int
) -> None:
    parts = list(looks(lengths, look))

    assert [row for part in parts for row in range(len(lengths))[part]] == list(range(len(lengths)))
    assert all(sum(lengths[part]) < look + max(lengths[part][:1], default=0) for part in parts)
    if lengths:
        assert len(parts) <= 1 + sum(lengths) // look


def test_pairs_and_links_survive_as_bytes() -> None:
    pairs = near((1, 2**40, 0.5), (3, 4, 0.75))

    back = unpack_near(pack_near(pairs))

    assert back.left.tolist() == [1, 3]
    assert back.right.tolist() == [2**40, 4]
    assert back.cosine.tolist() == [0.5, 0.75]
    labels = [
        Label(first_id="ä", second_id="b", canonical_id="b"),
        Label(first_id="b", second_id="c", is_duplicate=False),
    ]

    assert unpack_labels(pack_labels(labels)) == labels


def test_the_density_around_pairs_survives_where_it_is_told() -> None:
    pairs = near((1, 2, 0.5), (3, 4, 0.75))
    told = replace(pairs, density=np.array([-0.5, 0.25], np.float32))

    back, without = unpack_near(pack_near(told)), unpack_near(pack_near(pairs))

    assert back.density is not None
    assert back.density.tolist() == [-0.5, 0.25]
    assert without.density is None


def test_logits_of_pairs_that_were_read_survive() -> None:
    pairs = replace(near((1, 2, 0.5), (3, 4, 0.75)), logit=np.array([np.nan, -1.5], np.float32))

    back = unpack_near(pack_near(pairs))

    assert back.right.tolist() == [2, 4]
    assert back.logit is not None
    np.testing.assert_array_equal(back.logit, pairs.logit)


def test_pairs_of_earlier_versions_are_read() -> None:
    row = np.dtype([("left", "<i8"), ("right", "<i8"), ("cosine", "<f4")])

    found = unpack_near(np.array([(1, 2, 0.5), (7, 9, 0.75)], dtype=row).tobytes())

    assert found.pairs.tolist() == [[1, 2], [7, 9]]
    assert found.cosine.tolist() == [0.5, 0.75]
    assert found.density is None


def test_labels_of_earlier_versions_are_read() -> None:
    assert unpack_labels(b'[["a", "b"]]') == [Label(first_id="a", second_id="b")]
    assert len(unpack_near(b"")) == 0


def test_only_crowded_questions_of_the_block_have_a_bar() -> None:
    tiles = [near((1, 2, 0.9), (1, 3, 0.8)), near((1, 9, 0.7), (9, 10, 0.6))]

    bars = Bars.unpack(Bars.of(tiles, 1, 8, top_k=2).pack())

    assert bars.ids.tolist() == [1]
    ids, cosines = np.array([1, 1, 1, 5]), np.array([0.9, 0.8, 0.7, 0.1], dtype=np.float32)
    assert bars.over(ids, cosines).tolist() == [True, True, False, True]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(10, 15), st.integers(0, 1000)), max_size=60),
    st.integers(1, 4),
)
def test_a_bar_is_the_cosine_of_the_last_neighbour_that_is_kept(
    rows: list[tuple[int, int, int]], top_k: int
) -> None:
    pairs = near(*[(low, high, cosine / 1000) for low, high, cosine in rows])

    bars = Bars.of([pairs], 0, 9, top_k=top_k)

    for question in range(10):
        mine = sorted((row[2] / 1000 for row in rows if row[0] == question), reverse=True)
        if len(mine) > top_k:
            place = bars.ids.tolist().index(question)
            assert bars.bars[place] == np.float32(mine[top_k - 1])
        else:
            assert question not in bars.ids


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_the_page_holds_its_plots_escapes_texts_and_needs_nothing_else() -> None:
    page = as_html(REPORT)
    tags = _Tags()
    tags.feed(page)

    assert tags.counts["svg"] == 4
    assert tags.counts["rect"] == 4 + 2 + 1 + 2
    assert not tags.sources
    assert "script" not in tags.counts
    assert "b" not in tags.counts
    assert "Why &lt;b&gt;?" in page
    assert "&lt;old&gt;.csv" in page


def test_the_report_is_written_as_json_csv_and_html(tmp_path: Path) -> None:
    pair = FoundPair(1, 2, "q1", "q2", "Why?", "Why, oh why?", "model", "flagged", 0.91, 0.987)

    paths = write_files(tmp_path / "report", REPORT, [pair])

    assert [path.name for path in paths] == ["report.json", "pairs.csv", "report.html"]
    assert json.loads(paths[0].read_text(encoding="utf-8"))["by_kind"] == {"model": 3}
    with paths[1].open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["id1"], row["question2"], row["score"]) == ("q1", "Why, oh why?", "0.9870")
