"""Gets the text from HTML, BBCode and Markdown; good enough for models and previews."""

import html
import re
from enum import StrEnum

_TAG = re.compile(r"<[^<>]{0,2000}>")
_QUIET = re.compile(r"<(script|style)\b[^<>]{0,500}>", re.IGNORECASE)
_QUIET_ENDS = {
    kind: re.compile(rf"</{kind}\s{{0,100}}>", re.IGNORECASE) for kind in ("script", "style")
}
_QUIET_LENGTH = 100_000
"""Characters of a script or a style, at most: what is longer is text."""
_BBCODE = re.compile(
    r"\[/?(?:b|i|u|s|url|img|quote|code|list|size|color|colour|font|email|attachment|media|youtube|user|"
    r"left|right|center|indent|spoiler|hr|php|html|icode|ispoiler|table|tr|td|th|li|\*)"
    r"(?:[=:\s][^\[\]]{0,500})?\]",
    re.IGNORECASE,
)
_IS_BBCODE = re.compile(
    r"\[(b|i|u|s|url|img|quote|code|list|size|color|spoiler|center)(?:=[^\[\]]{1,500})?\]"
    r"(?:(?!\[\1).){0,20000}?\[/\1\]",
    re.IGNORECASE | re.DOTALL,
)
_LINK = re.compile(r"!?\[([^\[\]]{0,500})\]\([^()\s]{0,2000}(?:\s\"[^\"]{0,200}\")?\)")
_MARKS = re.compile(
    r"^(?: {0,3}#{1,6}\s+|\s{0,3}>\s?|```\w*\s*$)|\*\*|__(?=\S)|(?<=\S)__", re.MULTILINE
)
_IS_HTML = re.compile(
    r"\s*<(?:p|div|br|ul|ol|pre|blockquote|span|h[1-6]|html|body|table|r|t)\b[^<>]*>", re.IGNORECASE
)
_ENDS_HTML = re.compile(
    r"(?:</(?:p|div|ul|ol|pre|blockquote|span|h[1-6]|html|body|table)>|<br ?/?>)\s*$", re.IGNORECASE
)
_SPACES = re.compile("[ \t\xa0]{2,}")
_BASIC = re.compile(r"&(?:quot|amp|lt|gt|apos|#0?39|#0?34|#x27|#x2F|#x22);", re.IGNORECASE)
_BARE = re.compile(r"&(?!#?\w{1,31};)")


class Markup(StrEnum):
    """How a text is marked up."""

    PLAIN = "plain"
    GUESS = "guess"
    """HTML if the text is one or more elements, BBCode if it has a pair of marks, or else plain."""
    HTML = "html"
    BBCODE = "bbcode"
    MARKDOWN = "markdown"


def plain_text(markup: str) -> str:
    """Return HTML without tags and with entities resolved."""
    if "<" in markup:
        markup = _TAG.sub(" ", _without_quiet(markup))
    return html.unescape(markup) if "&" in markup else markup


def _without_quiet(markup: str) -> str:
    """Return HTML without what is in its scripts and styles, in time linear in its length."""
    kept, place = list[str](), 0
    ends: dict[str, re.Match[str] | None] = {}
    for begin in _QUIET.finditer(markup):
        kind = begin[1].lower()
        end = ends.get(kind, begin)
        if end is not None and end.start() < begin.end():  # the one that is known lies before
            end = ends[kind] = _QUIET_ENDS[kind].search(markup, begin.end())
        if end and begin.start() >= place and end.start() <= begin.end() + _QUIET_LENGTH:
            kept += (markup[place : begin.start()], " ")
            place = end.end()
    return "".join((*kept, markup[place:]))


def without_markup(text: str, markup: Markup) -> str:
    """Return *text* without its markup."""
    if markup is Markup.GUESS and "[/" in text and _IS_BBCODE.search(text):
        markup = Markup.BBCODE
    is_plain = markup is Markup.PLAIN or (markup is Markup.GUESS and "<" not in text)
    bare = text if is_plain else _bare(text, markup)
    return text if bare == text else _SPACES.sub(" ", bare)


def _bare(text: str, markup: Markup) -> str:
    if (
        markup in {Markup.HTML, Markup.BBCODE}
        or _IS_HTML.match(text)
        or _ENDS_HTML.search(text[-200:])
    ):
        text = plain_text(text)
    if markup is Markup.BBCODE:
        return html.unescape(_BBCODE.sub(" ", text))
    if markup is Markup.MARKDOWN:
        return _MARKS.sub("", _LINK.sub(r"\1", text))
    return text


def is_escaped(titles: list[str]) -> bool:
    """Return whether titles have HTML entities: each ``&`` in them begins one."""
    return any(map(_BASIC.search, titles)) and not any(map(_BARE.search, titles))


def unescaped(title: str) -> str:
    """Return *title* with the common HTML entities resolved once."""
    return _BASIC.sub(lambda found: html.unescape(found[0]), title) if "&" in title else title
