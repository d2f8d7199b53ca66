"""Backups of Moodle: discussions with their first post, their forum, and whether it is shown."""

import io
from functools import partial

import pytest

from worker.archives.readers.documents import moodle

POST = "<post id='{id}'><userid>5</userid><message>{text}</message></post>"
FORUM = """<?xml version="1.0" encoding="UTF-8"?>
<activity id="3" moduleid="9" modulename="forum" contextid="1"><forum id="3">
<type>general</type><name>Questions &amp; answers</name>
<discussions>{}</discussions></forum></activity>
"""
MODULE = '<module id="9" version="1"><modulename>forum</modulename><visible>{}</visible></module>'


def discussion(number: int, name: str, first: int, *posts: str) -> str:
    return (
        f"<discussion id='{number}'><name>{name}</name><firstpost>{first}</firstpost>"
        f"<userid>5</userid><groupid>-1</groupid><posts>{''.join(posts)}</posts></discussion>"
    )


def rows(text: str, name: str = "course/activities/forum_9/forum.xml") -> list[object]:
    opened = partial(io.BytesIO, text.encode())
    return [row.values for row in moodle.rows(opened, name)]


def test_a_discussion_has_its_first_post_whatever_their_order() -> None:
    posts = [POST.format(id=8, text="A reply"), POST.format(id=7, text="I tried twice")]

    assert rows(FORUM.format(discussion(4, "Why?", 7, *posts))) == [
        {
            "moodle_id": "4",
            "moodle_type": "general",
            "moodle_forum": "Questions & answers",
            "moodle_folder": "course/activities/forum_9",
            "moodle_first": {"id": "7", "userid": "5", "message": "I tried twice"},
            "name": "Why?",
            "userid": "5",
            "groupid": "-1",
        }
    ]


@pytest.mark.parametrize("posts", [(), (POST.format(id=8, text="A reply"),)])
def test_a_discussion_without_its_first_post_is_read_without_a_body(posts: tuple[str, ...]) -> None:
    (found,) = rows(FORUM.format(discussion(4, "Why?", 7, *posts)))

    assert isinstance(found, dict)
    assert (found["name"], found["moodle_first"]) == ("Why?", {})


def test_a_forum_without_discussions_has_no_rows_and_a_broken_one_says_so() -> None:
    assert rows(FORUM.format("")) == []
    assert (
        rows(FORUM.format(discussion(4, "Why?", 7))[:-40])[-1] == "the file ends inside an element"
    )


@pytest.mark.parametrize("visible", ["0", "1"])
def test_the_module_beside_a_forum_says_whether_it_is_shown(visible: str) -> None:
    opened = partial(io.BytesIO, MODULE.format(visible).encode())

    (row,) = moodle.module_row(opened, "course/activities/forum_9/module.xml")

    assert row.values == {"moodle_folder": "course/activities/forum_9", "visible": visible}


def test_forums_and_modules_are_told_by_their_beginning() -> None:
    assert moodle.is_forum(FORUM)
    assert not moodle.is_forum(FORUM.replace('"forum"', '"quiz"'))
    assert moodle.is_module(MODULE)
    assert not moodle.is_module("<module id='1'><visible>1</visible></module>")
