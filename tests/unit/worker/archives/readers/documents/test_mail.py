"""Archives of mails: each mail is one row, and keeps its id."""

import io
import mailbox
from email.message import EmailMessage
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.archives.readers.documents.mail import COLUMNS, is_mail, rows
from worker.archives.readers.records import RECORD_LIMIT

WORDS = st.lists(st.text("ab\u00e9\u4e2d?", min_size=1, max_size=6), min_size=1, max_size=4).map(
    " ".join
)
BODIES = st.lists(
    st.sampled_from(["Hi", "", "From here on it fails", "> quoted", "caf\u00e9", "From a@b 2018"]),
    max_size=5,
).map("\n".join)


def read(data: bytes) -> list[dict[str, object] | str]:
    return [
        row.values if isinstance(row.values, str) else dict(row.values)
        for row in rows(io.BytesIO(data))
    ]


@settings(max_examples=30)
@given(st.lists(st.tuples(WORDS, BODIES), min_size=1, max_size=4))
def test_mails_come_back_from_an_archive_as_python_writes_it(mails: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "mbox"
        box = mailbox.mbox(path)
        for number, (subject, body) in enumerate(mails):
            mail = EmailMessage()
            mail["Subject"], mail["Message-ID"] = subject, f"<{number}@x.example>"
            mail["From"] = "Ana <ana@x.example>"
            mail.set_content(body)
            box.add(mail)
        box.close()
        data = path.read_bytes()

    found = read(data)

    assert len(found) == len(mails)
    for number, ((subject, body), row) in enumerate(zip(mails, found, strict=True)):
        assert isinstance(row, dict)
        assert (row["message_id"], row["subject"]) == (f"{number}@x.example", subject)
        assert str(row["body"]).strip() == body.strip()
        assert row["from"] == "Ana"


def mail(*headers: str, body: str = "Hi") -> bytes:
    return "\n".join((*headers, "", body, "")).encode()


def value(name: str, *headers: str) -> object:
    (row,) = read(mail(*headers))
    assert isinstance(row, dict)
    assert set(row) == set(COLUMNS)
    return row[name]


def test_a_subject_is_one_line_without_the_name_of_its_list() -> None:
    subjects = {
        "Why?": "Why?",
        "[users] Why?": "Why?",
        "[users]": "[users]",
        "Re: [users] Why?": "Re: [users] Why?",
        "Why\n is it\n\twet?": "Why is it wet?",
        "=?utf-8?q?caf=C3=A9?=": "caf\u00e9",
    }

    assert {one: value("subject", f"Subject: {one}") for one in subjects} == subjects
    assert value("subject", "X-Other: x") == ""


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("From: Ana <ana@x.example>", "Ana"),
        ('From: "Ana B." <ana@x.example>', "Ana B."),
        ("From: ana@x.example", "someone"),
        ("From: ana at x.example (Ana B.)", "Ana B."),
        ("from: ana@x.example (=?utf-8?q?An=C3=A4?=)", "An\u00e4"),
        ("From: ana at x.example (ana@x.example)", "ana"),
        ("From: ana at x.example (=?klingon?q?Ana?=)", "Ana"),
        ("From: Ana (of Bo) <ana@x.example>", "Ana"),
        ("X-Other: x", "someone"),
    ],
)
def test_no_address_is_kept_of_an_author(header: str, name: str) -> None:
    assert value("from", header) == name


@pytest.mark.parametrize(
    ("headers", "is_reply"),
    [
        (("In-Reply-To: <1@x>",), "yes"),
        (("References: <1@x>",), "yes"),
        (("Subject: Re: x",), "no"),
    ],
)
def test_a_reply_is_told_by_what_it_answers(headers: tuple[str, ...], is_reply: str) -> None:
    assert value("is_reply", *headers) == is_reply


def test_a_mail_without_an_id_keeps_the_same_one_and_another_has_another() -> None:
    one, same, other = (
        value("message_id", f"Subject: {subject}", "Date: Mon, 1 Jan 2018 00:00:00 +0000")
        for subject in ("Why?", "Why?", "How?")
    )

    assert one == same != other
    assert str(one).startswith("mail-")
    assert value("message_id", "Message-ID: <7@x.example>") == "7@x.example"


@pytest.mark.parametrize(
    ("kind", "body", "read_as"),
    [
        ("text/plain; charset=utf-8", "caf\u00e9", "caf\u00e9"),
        ("text/html", "<p>Why &amp; <b>how</b>?</p>", "Why & how ?"),
        ("text/plain; charset=klingon", "plain", "plain"),
        ("application/pdf", "%PDF", ""),
    ],
)
def test_a_body_is_text_whatever_its_kind(kind: str, body: str, read_as: str) -> None:
    (row,) = read(mail(f"Content-Type: {kind}", "Content-Transfer-Encoding: 8bit", body=body))

    assert isinstance(row, dict)
    assert " ".join(str(row["body"]).split()) == read_as


def test_a_mail_that_is_too_long_goes_alone() -> None:
    begin = b"From a@x.example Mon Jan  1 00:00:00 2018\n"
    long = begin + mail("Subject: long", body=("x" * 70 + "\n") * (RECORD_LIMIT // 70))
    short = begin + mail("Subject: short")

    found = list(rows(io.BytesIO(short + b"\n" + long + b"\n" + short)))

    assert [
        row.values if isinstance(row.values, str) else row.values["subject"] for row in found
    ] == [
        "short",
        "the record is longer than 4 MiB",
        "short",
    ]
    assert [row.line for row in found][:2] == [1, 6]


@pytest.mark.parametrize(
    "head",
    [
        "From a@x Mon Jan  1 00:00:00 2018\nSubject: Why?\n",
        "From: Ana\nSubject: Why?\nDate: today\nMessage-ID: <1@x>\n",
    ],
)
def test_a_mail_is_recognised_by_its_headers(head: str) -> None:
    assert is_mail(head)


@pytest.mark.parametrize(
    "head",
    [
        "From: Ana\nSubject: Why?\n",
        "From 2018\nSubject: x\n",
        "From now on, in 2018\nit rains\n",
        "id,title\n1,Subject: x\n",
        "",
    ],
)
def test_other_texts_are_not_taken_for_mail(head: str) -> None:
    assert not is_mail(head)
