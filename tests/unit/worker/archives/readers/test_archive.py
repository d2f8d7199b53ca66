"""Reading archives: every format comes back as it was written, and no row is lost in silence."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import py7zr
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from db.questions.rows import Facts
from worker.archives.load_job import Format
from worker.archives.loading.options import means_of
from worker.archives.readers import (
    KnownPair,
    Record,
    Reject,
    SourceQuestion,
    open_archive,
    open_stream,
)
from worker.archives.readers.containers.streams import LINE_LIMIT
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.values.texts import DATABASE_NULLS
from worker.text.normal import clean

POSTS = """\ufeff<?xml version="1.0" encoding="utf-8"?>
<posts>
  <row Id="1" PostTypeId="1" CreationDate="2018-03-12T17:00:45.567"
       Body="&lt;p&gt;It &amp;amp; I&lt;/p&gt;"
       OwnerUserId="7" Title="Does it halt?" Tags="&lt;turing&gt;&lt;machine&gt;" />
  <row Id="2" PostTypeId="2" ParentId="1" Body="An answer" />
  <row Id="3" PostTypeId="1" Title="Broken & bare" />
  <row Id="4" PostTypeId="1" Title="Will it ever stop?" Tags="|turing|" />
</posts>
"""
LINKS = """<?xml version="1.0" encoding="utf-8"?>
<postlinks>
  <row Id="9" PostId="4" RelatedPostId="1" LinkTypeId="3" />
  <row Id="10" PostId="4" RelatedPostId="1" LinkTypeId="1" />
</postlinks>
"""
ROWS = [("1", "How do I reset my password?"), ("2", 'Why, oh "why", is café closed?')]
EXPECTED = [(own_id, title) for own_id, title in ROWS]


def read(
    data: bytes | str,
    name: str = "",
    *,
    form: Format | None = None,
    chosen: Mapping[str, str] | None = None,
) -> list[Record]:
    raw = data.encode() if isinstance(data, str) else data
    return list(open_stream(io.BytesIO(raw), means_of(form=form, chosen=chosen), name=name))


def questions(records: list[Record]) -> list[tuple[str, str]]:
    return [(r.external_id, r.title) for r in records if isinstance(r, SourceQuestion)]


def rejects(records: list[Record]) -> list[Reject]:
    return [r for r in records if isinstance(r, Reject)]


def as_csv(rows: list[tuple[str, str]], *, delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["id", "question"])
    writer.writerows(rows)
    return out.getvalue()


def as_jsonl(rows: list[tuple[str, str]]) -> str:
    return "".join(json.dumps({"id": i, "title": t}) + "\n" for i, t in rows)


def as_parquet(rows: list[tuple[str, str]]) -> bytes:
    out = io.BytesIO()
    pq.write_table(
        pa.table({"id": [int(i) for i, _ in rows], "question": [t for _, t in rows]}), out
    )
    return out.getvalue()


FORMATS: dict[Format, Callable[[], bytes]] = {
    Format.CSV: lambda: as_csv(ROWS).encode(),
    Format.TSV: lambda: as_csv(ROWS, delimiter="\t").encode(),
    Format.JSONL: lambda: as_jsonl(ROWS).encode(),
    Format.JSON: lambda: json.dumps(
        {"users": [{"id": 5}], "topics": [{"id": i, "title": t} for i, t in ROWS]}
    ).encode(),
    Format.PARQUET: lambda: as_parquet(ROWS),
}


def packed_7z(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(data, name)
    return out.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "7z": lambda data: packed_7z({"export": data}),
}


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_recognised_and_comes_back_packed_or_not(form: Format, packer: str) -> None:
    archive = open_stream(io.BytesIO(PACKERS[packer](FORMATS[form]())))
    records = list(archive)

    assert archive.form is form
    assert questions(records) == EXPECTED
    assert not rejects(records)


def test_a_sample_takes_nothing_away() -> None:
    archive = open_stream(io.BytesIO(as_csv(ROWS).encode()))

    assert len(archive.sample(1)) == 1
    assert questions(list(archive)) == EXPECTED


def test_quoras_own_file_gives_both_questions_and_the_labelled_pairs() -> None:
    records = read(
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
        "0\t1\t2\tHow do magnets work?\tWhy do magnets attract?\t1\n"
        "1\t3\t4\tWhat is a fox?\tWhat is a cat?\t0\n",
        "quora_duplicate_questions.tsv",
    )

    assert [own_id for own_id, _ in questions(records)] == ["1", "2", "3", "4"]
    assert [r for r in records if isinstance(r, KnownPair)] == [
        KnownPair(2, "1", "2"),
        KnownPair(3, "3", "4", is_duplicate=False),
    ]


def test_a_pair_without_questions_is_rejected_alone_whatever_its_label() -> None:
    for label in ("maybe", "1", "", "-1"):
        records = read(f"question1,question2,is_duplicate\n,,{label}\nWhy?,How?,1\n")

        assert [(one.line, one.reason) for one in rejects(records)] == [
            (2, "both questions are empty")
        ]
        assert [title for _, title in questions(records)] == ["Why?", "How?"]


def test_questions_without_ids_get_the_same_one_whenever_they_are_read() -> None:
    first = questions(read("question\nWhat is a fox?\n"))
    again = questions(read("question\nWhat is a cat?\nwhat is a fox\n"))

    assert first[0][0] == again[1][0] != again[0][0]


def test_posts_xml_gives_questions_only_and_rejects_a_broken_row_alone(tmp_path: Path) -> None:
    (tmp_path / "Posts.xml").write_text(POSTS, encoding="utf-8")
    (tmp_path / "PostLinks.xml").write_text(LINKS, encoding="utf-8")

    with open_archive(tmp_path / "Posts.xml") as archive:
        records = list(archive)

    assert archive.form is Format.STACKEXCHANGE
    assert records[0] == SourceQuestion(
        "1",
        "Does it halt?",
        "It & I",
        None,
        "turing machine",
        "7",
        datetime(2018, 3, 12, 17, 0, 45, 567000, tzinfo=UTC),
        facts=Facts(tags=("turing", "machine")),
        line=3,
    )
    assert questions(records) == [("1", "Does it halt?"), ("4", "Will it ever stop?")]
    assert [r.line for r in rejects(records)] == [7]
    assert records[-1] == KnownPair(3, "4", "1", canonical_id="1")


def test_a_7z_dump_brings_its_links_along(tmp_path: Path) -> None:
    path = tmp_path / "site.7z"
    path.write_bytes(packed_7z({"Posts.xml": POSTS, "PostLinks.xml": LINKS, "Users.xml": "<x/>"}))

    with open_archive(path) as archive:
        records = list(archive)

    assert len(questions(records)) == 2
    assert records[-1] == KnownPair(3, "4", "1", canonical_id="1")


def test_columns_of_other_forums_are_mapped_by_flags() -> None:
    records = read(
        "nr;betreff;zeit\n7;Wie geht das?;1136073600\n",
        chosen={"id": "nr", "title": "betreff", "asked_at": "zeit"},
    )

    assert records == [
        SourceQuestion("7", "Wie geht das?", asked_at=datetime(2006, 1, 1, tzinfo=UTC), line=2)
    ]


@pytest.mark.parametrize("chosen", [{"title": "nowhere"}, {"colour": "id"}])
def test_a_mapping_to_what_is_not_there_is_refused(chosen: dict[str, str]) -> None:
    with pytest.raises(UnreadableArchiveError, match="--map"):
        read("id,title\n1,Why?\n", chosen=chosen)


def test_wrong_columns_are_named_in_the_error() -> None:
    with pytest.raises(UnreadableArchiveError, match="'height', 'weight'"):
        read("height,weight\n1,2\n")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_detected(encoding: str) -> None:
    titles = ["Où est le café de la façade où l'été fut gâché ?"] * 20
    data = as_csv([(str(i), title) for i, title in enumerate(titles)]).encode(encoding)

    assert [title for _, title in questions(read(data))] == titles


def test_each_bad_row_is_rejected_with_its_line_and_the_others_stay() -> None:
    records = read(
        b"id,title,created_at\n"
        b"1,Good one at the caf\xc3\xa9 d\xc3\xa9j\xc3\xa0 ferm\xc3\xa9?,2020-01-01\n"
        b"2,,2020-01-01\n"
        b"3,Too,many,columns\n"
        b"4,Bad \xff byte?,2020-01-01\n"
        b"5,Bad date?,yesterday\n"
        b",No id?,2020-01-01\n"
        b"7,Good two?,0000-00-00 00:00:00\n"
    )

    assert [own_id for own_id, _ in questions(records)] == ["1", "5", "7"]
    assert [r.line for r in rejects(records)] == [3, 4, 5, 7]


def test_a_quote_that_is_never_closed_costs_its_own_row_only() -> None:
    records = read('id,title\n1,"Open\n2,Second?\n3,"Closed, and\nlong?"\n')

    assert questions(records)[-2:] == [("2", "Second?"), ("3", "Closed, and\nlong?")]


def test_a_line_that_is_too_long_is_rejected_and_the_next_is_read() -> None:
    huge = b"x" * (3 * LINE_LIMIT)

    for data in (
        b"id,title\n1," + huge + b"\n2,Fine?\n",
        b'{"id":1,"title":"' + huge + b'"}\n{"id":2,"title":"Fine?"}\n',
    ):
        form = Format.JSONL if data.startswith(b"{") else Format.CSV
        records = read(data, form=form)
        assert questions(records) == [("2", "Fine?")]
        assert len(rejects(records)) == 1


def test_entities_that_a_file_declares_are_refused() -> None:
    bomb = '<?xml version="1.0"?>\n<!DOCTYPE posts [<!ENTITY a "ha">]>\n<posts>\n<row Id="1"/>\n'

    with pytest.raises(UnreadableArchiveError, match="declarations"):
        read(bomb)


def test_an_entity_that_nobody_declared_rejects_its_row() -> None:
    records = read('<posts>\n<row Id="1" PostTypeId="1" Title="&bomb;" />\n</posts>')

    assert [r.line for r in rejects(records)] == [2]


@pytest.mark.parametrize("packer", ["gzip", "zstd", "7z"])
def test_a_zip_bomb_is_refused(packer: str) -> None:
    bomb = PACKERS[packer](b"id,title\n" + b" " * (66 << 20))

    with pytest.raises(UnreadableArchiveError, match="bomb"):
        for _ in open_stream(io.BytesIO(bomb)):
            pass


@pytest.mark.parametrize("packer", ["gzip", "zstd", "7z"])
def test_a_damaged_file_is_an_error_and_no_early_end(packer: str) -> None:
    rows = [(str(i), f"Is {i * 7919 % 10007} a prime?") for i in range(5_000)]
    whole = PACKERS[packer](as_csv(rows).encode())
    damaged = whole[: len(whole) // 2] if packer != "7z" else whole[:200] + bytes(400) + whole[600:]

    with pytest.raises(UnreadableArchiveError, match="damaged"):
        read(damaged)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01\x02\xff\xfe\xfd" * 50,
        b"<html></html>",
        b"[" * 200_000,
        b"PAR1 and nothing else",
        b"7z\xbc\xaf\x27\x1c and nothing else",
        b"{not json}\n",
    ],
)
def test_what_is_no_archive_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(UnreadableArchiveError):
        read(data)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableArchiveError, match="No such file"):
        open_archive(tmp_path / "nothing.csv")


def test_a_document_larger_than_the_window_is_read_to_its_end() -> None:
    rows = [{"id": i, "title": f"Question {i}?", "tags": ["a", "b"]} for i in range(6_000)]

    records = read(json.dumps({"meta": {"n": 1}, "topics": rows}))

    assert len(questions(records)) == 6_000
    assert not rejects(records)


_words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(
    lambda text: bool(clean(text))
)


@given(st.lists(_words, max_size=20))
def test_any_titles_survive_every_text_format(titles: list[str]) -> None:
    titles = [one for one in titles if one.strip() not in DATABASE_NULLS]
    rows = [(str(i), title) for i, title in enumerate(titles)]
    wanted = [(own_id, clean(title)) for own_id, title in rows]

    for data, form in (
        (as_csv(rows), Format.CSV),
        (as_csv(rows, delimiter="\t"), Format.TSV),
        (as_jsonl(rows), Format.JSONL),
    ):
        if titles or form is not Format.JSONL:
            assert questions(read(data, form=form)) == wanted


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_each_line_is_accounted_for(data: bytes) -> None:
    whole = b"id,title\n" + data
    try:
        records = read(whole, form=Format.CSV)
    except UnreadableArchiveError:
        return
    told = {r.line for r in records}

    assert all(1 < line <= whole.count(b"\n") + 1 for line in told)


@given(st.lists(st.sampled_from(['1,"a', '2,b"', "3,c", '4,"d"', "x", '5,"e""', '"']), max_size=12))
def test_stray_quotes_never_lose_a_plain_row(rows: list[str]) -> None:
    records = read("id,title\n" + "\n".join([*rows, "9,last"]) + "\n", form=Format.CSV)

    held = " ".join(r.title for r in records if isinstance(r, SourceQuestion))
    assert "last" in held or rejects(records)
