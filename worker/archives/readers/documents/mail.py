"""Reads mail archives: ``mbox`` as Mailman and mail programs write it, and single mails."""

import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import MessageError
from email.message import EmailMessage
from typing import BinaryIO

from worker.archives.readers.records import RECORD_LIMIT, RECORD_TOO_LONG, Row
from worker.archives.readers.values.markup import plain_text

_BEGIN = re.compile(rb"From \S+.{0,200}\d{4}\s*$")
_LINE = 1 << 16
_QUOTED_BEGIN = re.compile(r"^>+From ", re.MULTILINE)
_HEADERS = re.compile(r"^(?:From |[\w-]+:\s?\S)")
_BEHIND = re.compile(r"(?:@| at )\S{1,200}\s{1,9}\(([^()@]{1,200})\)\s*$")
COLUMNS = (
    "message_id", "subject", "is_reply", "from", "date", "body", "list_id", "archived_at",
    "x_no_archive", "x_gmail_labels", "x_mozilla_status", "x_spam_flag",
    "x_spam_status", "sensitivity", "x_status",
)  # fmt: skip


def is_mail(head: str) -> bool:
    """Return whether a text that begins with *head* is a mail or an archive of mails."""
    lines = head.split("\n", 60)[:60]
    if not lines or not _HEADERS.match(lines[0]):
        return False
    begins = re.match(r"From \S+.*\d{4}\s*$", lines[0]) is not None
    names = {line.partition(":")[0].lower() for line in lines if ":" in line}
    return (begins and bool(names & {"subject", "from", "message-id"})) or (
        {"subject", "from", "date"} <= names and "message-id" in names
    )


def rows(file: BinaryIO) -> Iterator[Row]:
    """Yield the mails of *file*, which need not be UTF-8."""
    for number, raw in _mails(file):
        if raw is None:
            yield Row(number, RECORD_TOO_LONG)
            continue
        try:
            mail = message_from_bytes(raw, policy=policy.default)
            yield Row(number, _values(mail))
        except (
            MessageError,
            ArithmeticError,
            LookupError,
            ValueError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            # For damaged headers the parser raises errors of many kinds.
            yield Row(number, f"it is no mail that can be read: {type(error).__name__}")


def _mails(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield each mail with the number of its first line; None for one that is too long."""
    held, size, number, start, after_blank = list[bytes](), 0, 0, 1, True
    while line := file.readline(_LINE):
        is_begin = after_blank and _BEGIN.match(line) is not None
        if is_begin and size:
            yield start, b"".join(held) if size <= RECORD_LIMIT else None
            held, size = [], 0
        number += 1
        if is_begin:
            start = number
        else:
            size += len(line)
            if size <= RECORD_LIMIT:
                held.append(line)
        after_blank = not line.strip()
    if size:
        yield start, b"".join(held) if size <= RECORD_LIMIT else None


def _values(mail: EmailMessage) -> dict[str, object]:
    subject = " ".join(str(mail["subject"] or "").split())
    own_id = str(mail["message-id"] or "").strip().strip("<>")
    author = mail["from"]
    if not own_id:  # the same mail keeps the same id
        content = "\n".join((subject, str(mail["date"] or ""), str(author or "")))
        own_id = f"mail-{hashlib.sha256(content.encode('utf-8', 'replace')).hexdigest()[:24]}"
    return {
        "message_id": own_id,
        "subject": _without_list_name(subject),
        "is_reply": "yes" if mail["in-reply-to"] or mail["references"] else "no",
        "from": _named_behind(mail) or _name(str(author or "")),
        "date": str(mail["date"] or ""),
        "body": _body(mail),
        "list_id": str(mail["list-id"] or "").strip("<> "),
        "archived_at": str(mail["archived-at"] or "").strip("<> ") or None,
        "x_no_archive": str(mail["x-no-archive"] or ""),
        "x_gmail_labels": str(mail["x-gmail-labels"] or ""),
        "x_mozilla_status": str(mail["x-mozilla-status"] or ""),
        "x_spam_flag": str(mail["x-spam-flag"] or mail["x-spam"] or ""),
        "x_spam_status": str(mail["x-spam-status"] or ""),
        "sensitivity": str(mail["sensitivity"] or ""),
        "x_status": str(mail["x-status"] or ""),
    }


def _without_list_name(subject: str) -> str:
    """Return a subject without the ``[name]`` that a list's program put before it."""
    return re.sub(r"^\[[\w .-]{1,40}\]\s*(?=\S)", "", subject)


def _named_behind(mail: EmailMessage) -> str:
    """Return the name that Mailman and old programs write in brackets after the address."""
    header = next((str(one) for name, one in mail.raw_items() if name.lower() == "from"), "")
    found = _BEHIND.search(header)
    return str(policy.default.header_factory("subject", found[1])).strip() if found else ""


def _name(author: str) -> str:
    name = re.sub(r"<[^<>]*>|\S+@\S+| at \S+\.\S+", "", author).strip(" \"'()")
    return name or "someone"


def _body(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    try:
        text = str(part.get_content())
    except (LookupError, UnicodeError):
        raw = part.get_payload(decode=True)
        text = raw.decode("latin-1") if isinstance(raw, bytes) else ""
    if part.get_content_subtype() == "html":
        text = plain_text(text)
    return _QUOTED_BEGIN.sub("From ", text)
