"""Feeds: an entry of Atom or RSS gives the same row, whatever its program calls the parts."""

import io

import pytest

from worker.archives.readers.documents import feeds

ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>'
RSS = '<rss version="2.0"><channel>{}</channel></rss>'
RDF = (
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    ' xmlns="http://purl.org/rss/1.0/" xmlns:dc="d">{}</rdf:RDF>'
)
CASES = {
    "feed": (ATOM, "entry"),
    "rss": (RSS, "item"),
    "RDF": (RDF, "item"),
}


def read(kind: str, inside: str, given: str = "") -> dict[str, object]:
    frame, name = CASES[kind]
    text = frame.format(f"<{name}{given}>{inside}</{name}>")
    (row,) = feeds.rows(io.BytesIO(text.encode()), kind)
    assert isinstance(row.values, dict)
    return row.values


def value(kind: str, name: str, inside: str) -> object:
    row = read(kind, inside)
    assert set(row) <= set(feeds.COLUMNS)
    return row.get(name)


@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        (
            "feed",
            """<id>7</id><title>Why?</title><link href="https://x.example/7"/>
            <author><name>Ana</name></author><published>2024-05-01</published>
            <content type="html">Because</content><category term="eggs"/>""",
        ),
        (
            "rss",
            """<guid isPermaLink="false">7</guid><title>Why?</title>
            <link>https://x.example/7</link><dc:creator xmlns:dc="d">Ana</dc:creator>
            <pubDate>2024-05-01</pubDate><description>Because</description>
            <category>eggs</category>""",
        ),
    ],
)
def test_one_question_is_the_same_row_in_atom_and_rss(kind: str, inside: str) -> None:
    assert read(kind, inside) == {
        "feed_id": "7",
        "feed_title": "Why?",
        "text": "Because",
        "link": "https://x.example/7",
        "category": ["eggs"],
        "author": "Ana",
        "published": "2024-05-01",
        "is_reply": "no",
    }


def test_an_entry_of_rdf_has_the_address_in_its_attribute() -> None:
    row = read(
        "RDF",
        "<title>Why?</title><dc:subject>eggs</dc:subject><dc:date>2024-05-01</dc:date>",
        ' rdf:about="https://x.example/7"',
    )

    assert row["feed_id"] == "https://x.example/7"
    assert (row["category"], row["published"]) == (["eggs"], "2024-05-01")


@pytest.mark.parametrize(
    ("kind", "inside", "text"),
    [
        ("rss", "<description>short</description><encoded>whole</encoded>", "whole"),
        ("feed", "<summary>short</summary><content>whole</content>", "whole"),
        ("feed", "<summary>short</summary>", "short"),
        (
            "feed",
            '<content type="xhtml"><div class="no"><p>One</p><p>two</p></div></content>',
            "One\ntwo",
        ),
        ("feed", "<content></content>", None),
    ],
)
def test_the_whole_text_of_an_entry_is_its_text(kind: str, inside: str, text: str | None) -> None:
    assert value(kind, "text", inside) == text


@pytest.mark.parametrize(
    ("inside", "link"),
    [
        ('<link href="https://x.example/7"/>', "https://x.example/7"),
        (
            '<link rel="replies" href="https://x.example/r"/><link href="https://x.example/7"/>',
            "https://x.example/7",
        ),
        (
            '<link rel="self" href="a"/><link rel="alternate" href="https://x.example/7"/>',
            "https://x.example/7",
        ),
        ('<link rel="self" href="a"/>', None),
        ("", None),
    ],
)
def test_the_link_is_that_of_the_page(inside: str, link: str | None) -> None:
    assert value("feed", "link", inside) == link
    assert value("feed", "feed_id", inside) == link


@pytest.mark.parametrize(
    ("inside", "author"),
    [
        ("<author>Ana</author>", "Ana"),
        ("<author><name>Ana</name><email>ana@x.example</email></author>", "Ana"),
        ("<author><name>Ana</name></author><author><name>Bo</name></author>", "Ana"),
        ("<author><email>ana@x.example</email></author>", None),
    ],
)
def test_an_author_is_a_name_and_never_an_address(inside: str, author: str | None) -> None:
    assert value("feed", "author", inside) == author


def test_an_entry_that_answers_another_is_a_reply() -> None:
    inside = '<thr:in-reply-to xmlns:thr="t" ref="1"/>'

    assert value("feed", "is_reply", inside) == "yes"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (ATOM, "feed"),
        ('<?xml version="1.0"?>\n<!-- x -->\n' + ATOM, "feed"),
        ('<atom:feed xmlns:atom="http://www.w3.org/2005/Atom">', "feed"),
        ('<feed xmlns="http://purl.org/atom/ns#">', "feed"),
        (RSS, "rss"),
        (RDF, "RDF"),
        ('<rss xmlns:wp="http://wordpress.org/export/1.2/">', None),
        ("<feed>", None),
        ('<rdf:RDF xmlns:rdf="x">', None),
        ("<channel><rss>", None),
        ("id,title\n", None),
    ],
)
def test_a_feed_is_told_by_its_root(head: str, kind: str | None) -> None:
    assert feeds.kind_of(head) == kind


def test_what_is_cut_off_is_told_after_the_entries_before_it() -> None:
    text = b"<rss><channel><item><title>Why?</title></item><item><tit"

    found = [row.values for row in feeds.rows(io.BytesIO(text), "rss")]

    assert found == [{"feed_title": "Why?", "is_reply": "no"}, "the file ends inside an element"]


@pytest.mark.parametrize(
    ("title", "plain"),
    [
        ("Is &lt;b&gt;tar&lt;/b&gt; &lt;a href='x'&gt;hot&lt;/a&gt;?", "Is tar hot?"),
        ("What does &lt;b&gt; do?", "What does <b> do?"),
    ],
)
def test_words_of_a_title_may_be_marked_in_html(title: str, plain: str) -> None:
    assert value("feed", "feed_title", f'<id>7</id><title type="html">{title}</title>') == plain
