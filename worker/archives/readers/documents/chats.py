"""Reads exports of chats in which questions can be recognised: Slack, and threads of Discord.

In Slack a question is the first message of a thread, if it asks. On Discord a thread, or a post of
a forum, has a title and a file of its own. Other messages are no questions, however they end.
"""

import html
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from worker.archives.readers.documents.json_rows import Found, objects
from worker.archives.readers.records import Row

Opened = Callable[[], BinaryIO]
SLACK_COLUMNS = (
    "slack_id", "slack_title", "slack_body", "slack_channel", "slack_user", "slack_time",
    "slack_edited", "slack_replies", "slack_kind",
)  # fmt: skip
DISCORD_COLUMNS = (
    "discord_id", "discord_title", "discord_body", "discord_place", "discord_author",
    "discord_time", "discord_kind", "discord_is_bot",
)  # fmt: skip
_DAY = re.compile(r"[^/]+/\d{4}-\d\d-\d\d\.json")
"""The name of Slack's file for one day of a channel, in the channel's folder."""
_MESSAGE = frozenset({"type", "ts"})
_SAID = frozenset({"", "file_share", "me_message"})
"""Kinds of Slack's messages that a person wrote."""
_SAID_AT = re.compile(
    r"[\u200e\u200f\ufeff]?\[?(?:\d{1,4}[./-]\d{1,2}[./-]\d{1,4},?\s(?:at )?)?"
    r"\d{1,2}[:.]\d\d(?:[:.]\d\d)?"
    r"(?:\s?[ap]\.?\s?m\.?)?(?: [A-Z]{2,4})?\]?\s*(?:[-\u2013]\s+)?"
    r"(?:<[^<>\n]{1,40}>|[^:,;|\n\"]{1,60}:|\*|-!-)\s",
    re.IGNORECASE,
)
_LOOKED, _FEWEST, _SHARE = 400, 2, 0.3
_EXPORT = frozenset({"guild", "channel", "messages"})
_FIRST = 20
"""The thread's first written message is searched in so many; some only report that it began."""
_WRITTEN = frozenset({"Default", "Reply"})
_MARK = re.compile(r"<(?P<sign>[@#!]?)(?P<target>[^<>|]+)(?:\|(?P<label>[^<>]*))?>")
_URL = re.compile(r"https?://\S+")
_SHORT = 300
_SENTENCE = re.compile(r"[^.!?\n]*[?\uff1f\u061f]")


def is_log(text: str) -> bool:
    """Return whether *text* is a log of a chat: lines with a time, a name and what was said."""
    some = [line for line in text.splitlines()[:_LOOKED] if line.strip()]
    said = sum(1 for line in some if _SAID_AT.match(line))
    return said >= _FEWEST and said >= _SHARE * len(some)


def is_slack(found: Found, name: str) -> bool:
    """Return whether the document *name* has one day of a channel of Slack."""
    path = "/".join(PurePosixPath(name).parts[-2:])
    columns = found.columns.get((), {})
    return () in found.arrays and columns.keys() >= _MESSAGE and bool(_DAY.fullmatch(path))


def slack_rows(opened: Opened, name: str, _: Collection[str]) -> Iterator[Row]:
    """Yield the messages of one day of a channel."""
    channel = PurePosixPath(name).parent.name
    with opened() as file:
        for row in objects(file, ()):
            read = row.values if isinstance(row.values, str) else _slack(row.values, channel)
            yield Row(row.line, read)


def _slack(message: Mapping[str, Any], channel: str) -> dict[str, Any]:
    whole = str(message.get("text") or "")
    text = html.unescape(_MARK.sub(_shown, whole)).strip()
    title = _title_of(text)
    edited = message.get("edited")
    time = str(message.get("ts") or "").partition(".")[0]
    return {
        "slack_id": f"{channel}-{message.get('ts')}",
        "slack_title": title,
        "slack_body": text if title != " ".join(text.split()) else "",
        "slack_channel": channel,
        "slack_user": message.get("user"),
        "slack_time": time,
        "slack_edited": str(edited.get("ts")).partition(".")[0] if isinstance(edited, dict) else "",
        "slack_replies": message.get("reply_count"),
        "slack_kind": _kind_of(message, text),
    }


def _kind_of(message: Mapping[str, Any], text: str) -> str:
    """Return the kind of a message: `question`, `deleted`, `bot` or `message`."""
    begins = message.get("thread_ts") == message.get("ts") and bool(message.get("reply_count"))
    subtype = str(message.get("subtype") or "")
    if subtype == "bot_message" or message.get("bot_id"):
        return "bot"
    if begins and subtype == "tombstone":
        return "deleted"
    asks = _SENTENCE.search(_URL.sub("", text)) is not None
    return "question" if begins and asks and subtype in _SAID else "message"


def _shown(mark: re.Match[str]) -> str:
    """Return the visible text of a link; names of people are left out."""
    sign, label = mark["sign"], mark["label"]
    if sign == "#":
        return f"#{label}" if label else ""
    return "" if sign else label or mark["target"]


def _title_of(text: str) -> str:
    """Return a message on one line, or the first question in a long one."""
    line = " ".join(text.split())
    found = _SENTENCE.search(text) if len(line) > _SHORT else None
    return " ".join(found[0].split()) if found else line


def is_discord(found: Found) -> bool:
    """Return whether a document is a channel, as DiscordChatExporter writes it."""
    columns = found.columns
    return columns.get((), {}).keys() >= _EXPORT and "type" in columns.get(("channel",), {})


def discord_row(opened: Opened, _: Collection[str]) -> Iterator[Row]:
    """Yield the thread in a document; a channel that is no thread is yielded with its kind too."""
    with opened() as file:
        found = next(objects(file, ("channel",)), Row(1, {}))
    channel = found.values if isinstance(found.values, Mapping) else {}
    first = _first_message(opened)
    said = first.get("author")
    author: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    yield Row(
        found.line,
        {
            "discord_id": channel.get("id"),
            "discord_title": channel.get("name"),
            "discord_body": first.get("content"),
            "discord_place": channel.get("category"),
            "discord_author": author.get("name"),
            "discord_time": first.get("timestamp"),
            "discord_kind": channel.get("type"),
            "discord_is_bot": "yes" if author.get("isBot") else "no",
        },
    )


def _first_message(opened: Opened) -> Mapping[str, Any]:
    with opened() as file:
        some = islice(objects(file, ("messages",)), _FIRST)
        written = (row.values for row in some if isinstance(row.values, Mapping))
        return next((one for one in written if one.get("type") in _WRITTEN), {})
