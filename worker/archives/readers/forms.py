"""Detects the format of a text."""

import json
import re

from worker.archives.load_job import Format
from worker.archives.readers.documents import (
    chats,
    faq,
    loose_json,
    mail,
    moodle,
    toml_rows,
    yaml_rows,
)
from worker.archives.readers.records import UnreadableArchiveError
from worker.archives.readers.sources import Entry
from worker.archives.readers.tabular import drawn_layout, drawn_records, drawn_sheets, sqldump


def guess(text: str, entry: Entry) -> Format:
    """Return the format of a file that begins with *text*; raises `UnreadableArchiveError`."""
    head, suffix = text.lstrip(" \t\r\n\x1e"), entry.suffix
    if not head:
        raise UnreadableArchiveError("the file is empty")
    if form := _of_objects(head, entry):
        return form
    if suffix == ".sql" or sqldump.is_dump(head):
        return Format.SQL
    if suffix in {".mbox", ".eml"} or mail.is_mail(head):
        return Format.MAIL
    return _of_lines(text, head, entry)


def _of_objects(head: str, entry: Entry) -> Format | None:
    """Return the format of XML, TOML or JSON; None for any other text."""
    if head.startswith("<"):
        return _marked_up(head, entry)
    if toml_rows.is_toml(head, entry.suffix):
        return Format.TOML
    if loose_json.is_code(head):
        return Format.JSON
    if re.match(r"\{|\[\s*(?:[{\[\]\"]|$)", head):
        is_lines = head[0] == "{" and (entry.suffix in {".jsonl", ".ndjson"} or _is_lines(head))
        return Format.JSONL if is_lines else Format.JSON
    return None


def _of_lines(text: str, head: str, entry: Entry) -> Format:
    """Return the format of a text of lines: a list of questions, or a delimited file."""
    if chats.is_log(text):
        raise UnreadableArchiveError(
            "these are messages of a chat, and it is not known which of them are questions: write"
            " those that are as a table, with the name of its column in the first line"
        )
    suffix, is_list = entry.suffix, faq.is_list(head, entry.name)
    if yaml_rows.is_yaml(head, suffix):
        return Format.YAML
    if drawn_records.find(text) or drawn_layout.find(text):
        return Format.DRAWN
    if suffix in {".md", ".markdown", ".html", ".htm", ".rst"} or is_list:
        return Format.FAQ
    first = head.partition("\n")[0]
    is_tabbed = first.count("\t") > max(first.count(mark) for mark in ",;|")
    return Format.TSV if suffix in {".tsv", ".tab"} or is_tabbed else Format.CSV


def _marked_up(head: str, entry: Entry) -> Format:
    if drawn_sheets.is_sheet(head):
        return Format.SHEET
    if moodle.is_forum(head):
        return Format.XML
    if re.search(r"<posts|<row\s", head, re.IGNORECASE) or entry.stem.startswith("Posts"):
        return Format.STACKEXCHANGE
    if faq.is_list(head, entry.name):
        return Format.FAQ
    if re.match(
        r"(?:<!--.*?-->\s*)?<(?:!doctype html|html|table|head|body)\b", head, re.IGNORECASE
    ):
        raise UnreadableArchiveError("this is a page of HTML, and no question was found in it")
    return Format.XML


def _is_lines(head: str) -> bool:
    first, _, others = head.partition("\n")
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        if others.strip():
            return first.rstrip().endswith("}") and others.lstrip(" \r\n\x1e").startswith("{")
        return False
    return bool(others.strip())
