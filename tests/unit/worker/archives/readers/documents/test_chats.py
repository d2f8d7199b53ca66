"""Chats: what begins a thread and asks is a question; people's names are not in its text."""

import io
import json
from functools import partial
from typing import Any

import pytest

from worker.archives.readers.documents import chats, json_rows

DAY = "export/help/2024-05-01.json"


def looked(document: object) -> json_rows.Found:
    return json_rows.look(io.BytesIO(json.dumps(document).encode()), 1 << 20)


def slack(**given: Any) -> dict[str, Any]:
    message = {"type": "message", "ts": "1714554000.000200", "user": "U1", "text": "Why?"} | given
    opened = partial(io.BytesIO, json.dumps([message]).encode())
    (row,) = chats.slack_rows(opened, DAY, ())
    assert isinstance(row.values, dict)
    assert tuple(row.values) == chats.SLACK_COLUMNS
    return row.values


THREAD = {"thread_ts": "1714554000.000200", "reply_count": 2}


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (THREAD, "question"),
        (THREAD | {"subtype": "file_share"}, "question"),
        (THREAD | {"text": "Look. Why is it wet? Thanks"}, "question"),
        ({}, "message"),
        (THREAD | {"thread_ts": "1"}, "message"),
        (THREAD | {"reply_count": 0}, "message"),
        (THREAD | {"text": "It works"}, "message"),
        (THREAD | {"text": "See https://x.example/?q=1"}, "message"),
        (THREAD | {"subtype": "channel_join"}, "message"),
        (THREAD | {"bot_id": "B1"}, "bot"),
        (THREAD | {"subtype": "bot_message"}, "bot"),
        (THREAD | {"subtype": "tombstone"}, "deleted"),
    ],
)
def test_a_question_begins_a_thread_and_asks(given: dict[str, Any], kind: str) -> None:
    assert slack(**given)["slack_kind"] == kind


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Why?", "Why?"),
        ("Why\n is  it?", "Why is it?"),
        ("<@U2> why?", "why?"),
        ("<@U2|ana> why?", "why?"),
        ("<!here> why?", "why?"),
        ("In <#C1|eggs> why?", "In #eggs why?"),
        ("Is <https://x.example|this> it?", "Is this it?"),
        ("Is <https://x.example> it?", "Is https://x.example it?"),
        ("a &lt; b &amp; c?", "a < b & c?"),
        (None, ""),
    ],
)
def test_marks_of_slack_are_what_a_reader_sees_without_names(text: str | None, title: str) -> None:
    assert slack(text=text)["slack_title"] == title


def test_a_long_message_has_its_first_question_as_title_and_all_of_it_as_body() -> None:
    text = "I boil eggs. " * 30 + "How long do they take? And how hot?"

    row = slack(text=text)

    assert row["slack_title"] == "How long do they take?"
    assert row["slack_body"] == text.strip()
    assert slack()["slack_body"] == ""


def test_a_message_has_its_channel_its_time_and_its_last_edit() -> None:
    row = slack(edited={"ts": "1714554999.000000"})

    assert row["slack_id"] == "help-1714554000.000200"
    assert (row["slack_channel"], row["slack_time"]) == ("help", "1714554000")
    assert row["slack_edited"] == "1714554999"
    assert slack(edited="x")["slack_edited"] == ""


@pytest.mark.parametrize(
    ("document", "name", "is_one"),
    [
        ([{"type": "message", "ts": "1"}], DAY, True),
        ([{"type": "message", "ts": "1"}], "2024-05-01.json", False),
        ([{"type": "message", "ts": "1"}], "help/questions.json", False),
        ([{"type": "message"}], DAY, False),
        ({"type": "message", "ts": "1"}, DAY, False),
    ],
)
def test_slack_is_told_by_the_name_of_a_day_and_its_messages(
    document: object, name: str, *, is_one: bool
) -> None:
    assert chats.is_slack(looked(document), name) is is_one


def discord(document: dict[str, Any]) -> dict[str, Any]:
    opened = partial(io.BytesIO, json.dumps(document).encode())
    (row,) = chats.discord_row(opened, ())
    assert isinstance(row.values, dict)
    assert tuple(row.values) == chats.DISCORD_COLUMNS
    return row.values


CHANNEL = {"id": "9", "type": "GuildPublicThread", "category": "help", "name": "Why is it wet?"}
WRITTEN = {
    "type": "Default", "content": "I tried twice", "timestamp": "2024-05-01T10:00:00+00:00",
    "author": {"name": "ana", "isBot": False},
}  # fmt: skip


def test_a_thread_of_discord_has_its_title_and_the_first_message_that_was_written() -> None:
    joined = {"type": "RecipientAdd", "content": "joined"}

    row = discord({"guild": {}, "channel": CHANNEL, "messages": [joined, WRITTEN, WRITTEN]})

    assert row == {
        "discord_id": "9",
        "discord_title": "Why is it wet?",
        "discord_body": "I tried twice",
        "discord_place": "help",
        "discord_author": "ana",
        "discord_time": "2024-05-01T10:00:00+00:00",
        "discord_kind": "GuildPublicThread",
        "discord_is_bot": "no",
    }


@pytest.mark.parametrize(
    ("messages", "body", "is_bot"),
    [
        ([], None, "no"),
        ([{"type": "Default", "content": "Hi", "author": {"isBot": True}}], "Hi", "yes"),
        ([{"type": "Default", "content": "Hi", "author": "ana"}], "Hi", "no"),
        ([{"type": "ChannelPinnedMessage"}] * 30 + [WRITTEN], None, "no"),
    ],
)
def test_a_thread_with_odd_messages_is_still_a_row(
    messages: list[object], body: str | None, is_bot: str
) -> None:
    row = discord({"guild": {}, "channel": CHANNEL, "messages": messages})

    assert (row["discord_body"], row["discord_is_bot"]) == (body, is_bot)


def test_discord_is_told_by_what_its_exporter_writes() -> None:
    document: dict[str, Any] = {"guild": {"id": "1"}, "channel": CHANNEL, "messages": [WRITTEN]}

    assert chats.is_discord(looked(document))
    assert not chats.is_discord(looked({**document, "channel": {"id": "9"}}))
    assert not chats.is_discord(looked({"channel": CHANNEL}))
