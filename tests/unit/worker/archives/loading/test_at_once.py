"""Rows read by column give what each row gives when it is read alone."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from db.imports.incoming import COLUMNS
from worker.archives.loading.batches import prepared
from worker.archives.readers.meaning.by_column import ByColumn
from worker.archives.readers.meaning.columns import Columns
from worker.archives.readers.meaning.facts import FACTS
from worker.archives.readers.meaning.hiding import hiding_rules
from worker.archives.readers.meaning.reading import Plan, Reading, Wishes
from worker.archives.readers.records import Block, Record, Row, singly
from worker.archives.readers.values.dates import DateOrder
from worker.archives.readers.values.markup import Markup
from worker.text.cuts import NO_CUTS, Cuts

_ODD = [
    "", " ", "NULL", "\\N", "n/a", "[deleted by user]", "[Solved] How?", "Re: How?", "[Excel] Sum",
    "a\x00b", "a\tb", "two\nlines", "x" * 2_100, "y" * 250, "café", "2\u00b2\u2070", "ß", "\u200b",
    "\u3164", "ﬁne", "&amp;", "a  b", "a & b", "<b>bold</b>", "?", "? !", "\ud800", "\u202eabc",
    "12.0", "1E+5", '="007"', ".", "..", "🙂", "\x1c", "a\x85b", "e\u0301", "What? !", "_x_ - y",
]  # fmt: skip
_DATES = [
    "2019-03-02 11:22:33 UTC", "2019-03-02T11:22:33Z", "2019-03-02T11:22:33.123Z", "2019-03-02",
    "2019-03-02 11:22:33", "2019-03-02T11:22:33+00:00", "2019-03-02T11:22:33+02:00", "15/04/2014",
    "1559347200", "1559347200000", "0", "0000-00-00 00:00:00", "3019-01-01T00:00:00Z",
    "1970-01-01T00:00:00Z", "2019-13-01T00:00:00Z", "2 March 2019", "NULL", "",
    1559347200, 1559347200.5, None, "2019-03-02 11:22:33.123456", "2019-W01-1T08:00:00",
]  # fmt: skip
_URLS = [
    "https://a.example/q/1", "/r/2", "//b.example/x", "https://ü.example/ö", "ftp://c", "", None,
    "https://a b", "https://", "http://d.example:8080/x?y=[1]#z", "https://u@e.example", "NULL",
    "HTTP://F.example", "https://g.example/" + "p" * 2_000, "https://h.example:99999/",
]  # fmt: skip
_FACTS = ["1", "1,000", "-3", "yes", "no", "", None, 7, 3.0, True, "a|b", ["x", "y"], "en", "-"]
_plain = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
_text = st.one_of(_plain, _plain, st.sampled_from(_ODD), st.text(max_size=8))
_any = st.one_of(_text, st.none(), st.integers(0, 9_999), st.floats(0, 9), st.booleans())
_NAMES = ("id", "title", "body", "url", "category", "author", "asked_at", "updated_at", *FACTS)
_row = st.fixed_dictionaries(
    {
        "title": st.one_of(_text, _any),
        "body": st.one_of(_text, _any, st.just({"html": 1})),
        "url": st.sampled_from(_URLS),
        "category": _any,
        "author": st.one_of(_any, st.just({"username": "u"}), st.just([1, "b"])),
        "asked_at": st.sampled_from(_DATES),
        "updated_at": st.sampled_from(_DATES),
        "deleted_at": st.sampled_from(["", None, "2020-01-01", "NULL", "0"]),
        "is_pm": st.sampled_from(["no", "yes", "0", False, None]),
        "duplicate_of": st.sampled_from(["", None, "", None, "5", ["6"]]),
        **{name: st.sampled_from(_FACTS) for name in FACTS},
    },
    optional={"extra": _any},
)
_plain_row = st.fixed_dictionaries(
    {
        "title": _plain,
        "body": st.just(""),
        "url": st.sampled_from(_URLS[:1]),
        "category": st.sampled_from(["one", "two words", None]),
        "author": st.sampled_from(["u1", "u2"]),
        "asked_at": st.sampled_from(_DATES[1:2]),
        "updated_at": st.just(None),
        "deleted_at": st.just(""),
        "is_pm": st.just("no"),
        "duplicate_of": st.just(""),
        **{name: st.sampled_from(["1", ""]) for name in FACTS},
    }
)
_rows = st.one_of(st.lists(_row, max_size=6), st.lists(_plain_row, max_size=8))
_ids = st.one_of(st.just(None), st.lists(st.one_of(_text, st.integers(0, 3)), min_size=8))
_wishes = st.builds(
    Wishes,
    visible_if=st.sampled_from([(), ("is_pm=no",), ("category=one,two words",)]),
    base_url=st.sampled_from(["", "https://forum.example/"]),
    dates=st.sampled_from(list(DateOrder)),
    strict=st.booleans(),
)
_plans = st.builds(
    Plan,
    fields=st.sets(st.sampled_from((*_NAMES, "duplicate_of"))).map(
        lambda names: {name: (name,) for name in {*names, "title", "id"}}
    ),
    hidden=st.sampled_from([(), hiding_rules(["deleted_at", "is_pm"])]),
    url=st.sampled_from(["", "t/{id}"]),
    markup=st.sampled_from(list(Markup)),
    is_escaped=st.booleans(),
)


def _numbered(rows: Sequence[dict[str, Any]], ids: Sequence[Any] | None) -> list[Row]:
    """Return *rows* with the ids that are given, else with their own numbers."""
    own = range(len(rows)) if ids is None else ids
    return [
        Row(line, {**row, "id": str(one) if ids is None else one})
        for line, (row, one) in enumerate(zip(rows, own, strict=False), start=2)
    ]


def _alone(plan: Plan, wishes: Wishes, rows: Sequence[Row]) -> list[Record]:
    reading = Reading(plan, wishes, rows[:1])
    return [record for row in rows for record in reading.records(row)]


@settings(max_examples=60)
@given(_plans, _wishes, _rows, _ids)
def test_rows_by_column_give_the_records_of_the_rows(
    plan: Plan, wishes: Wishes, rows: list[dict[str, Any]], ids: list[Any] | None
) -> None:
    numbered = [*_numbered(rows, ids), Row(99, "it cannot be split")]
    reading = Reading(plan, wishes, numbered[:1])

    found = list(singly(ByColumn(reading).pieces(iter(numbered))))

    assert found == _alone(plan, wishes, numbered)


@settings(max_examples=60)
@given(
    _plans,
    _wishes,
    _rows,
    st.sampled_from(["title", "title_body"]),
    st.sampled_from([NO_CUTS, Cuts.of(["[Solved]", "How"], ["a*b"])]),
)
def test_a_block_stores_what_its_rows_store(
    plan: Plan, wishes: Wishes, rows: list[dict[str, Any]], fields: str, cuts: Cuts
) -> None:
    numbered = _numbered(rows, None)
    reading = Reading(plan, wishes, numbered[:1])
    alone = prepared(_alone(plan, wishes, numbered), fields, 0, cuts)

    block = prepared(ByColumn(reading).pieces(iter(numbered)), fields, 0, cuts)

    assert _by_id(block.incoming()) == _by_id(alone.incoming())
    assert block.rejects == alone.rejects
    assert block.counts() == alone.counts()


def _by_id(incoming: Any) -> dict[str, tuple[Any, ...]]:
    columns = [*(incoming.columns[name] for name in COLUMNS), incoming.tokens]
    return dict(zip(incoming.ids, zip(*columns, strict=True), strict=True))


def test_plain_rows_come_as_one_block() -> None:
    rows = [Row(at, {"id": str(at), "title": f"Why {at}?"}) for at in range(3)]
    plan = Plan(fields={name: (name,) for name in Columns.resolve(["id", "title"]).names})

    (block,) = ByColumn(Reading(plan, Wishes())).pieces(iter(rows))

    assert isinstance(block, Block)
    assert len(block.lines) == 3
