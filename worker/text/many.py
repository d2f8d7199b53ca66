"""Digests and counts of many texts at once, faster than one by one.

Texts that are plain ASCII are handled together. Pure. For each text the result is that of
`worker.text.normal`.
"""

import hashlib
import string
from collections.abc import Sequence

from worker.text.normal import (
    MODEL_TEXT_LENGTH,
    estimate_tokens,
    foreign_share,
    text_digest,
)

_BREAK = "\n"
_PRINTABLE = bytes(range(0x20, 0x7F))
_MARKS = string.punctuation.replace("_", "")
_CLOSING = b" ?!."
"""Signs at the end of a text that do not count; of a text that has only these, one stays."""
_TAG_MARKS, _HEAD = "[:", 40
"""The signs of tags and reply marks, and the first characters of a text in which to look for them.
"""
_LONGEST_WORD = 100


def is_plain(texts: Sequence[str]) -> bool:
    """Return whether all of *texts* are printable ASCII."""
    whole = "".join(texts)
    return whole.isascii() and not whole.encode().translate(None, _PRINTABLE)


def text_digests(texts: Sequence[str]) -> list[str]:
    """Return `text_digest` of each text, in hexadecimal."""
    if texts and is_plain(texts) and not any(mark in "".join(texts) for mark in _TAG_MARKS):
        return _plain_digests(texts)
    simple = [text for text in texts if _is_simple(text)]
    known = dict(zip(simple, _plain_digests(simple), strict=True)) if simple else {}
    return [known.get(text) or text_digest(text).hex() for text in texts]


def _is_simple(text: str) -> bool:
    """Return whether *text* is plain and begins with neither a tag nor a reply mark.

    Several spaces in a row could move such a mark out of the head.
    """
    head = text[:_HEAD]
    has_mark = "  " in head or any(mark in head for mark in _TAG_MARKS)
    return not has_mark and text.isascii() and text.isprintable()


def _plain_digests(texts: Sequence[str]) -> list[str]:
    """Return the digests of plain texts that begin with neither a tag nor a reply mark."""
    folded = _BREAK.join(texts).lower()
    for mark in _MARKS:
        if mark in folded:
            folded = folded.replace(mark, f" {mark} ")
    while "  " in folded:
        folded = folded.replace("  ", " ")
    return [
        hashlib.sha256(line.strip().rstrip(_CLOSING) or line.strip()[:1]).hexdigest()
        for line in folded.encode().split(_BREAK.encode())
    ]


def foreign_shares(texts: Sequence[str]) -> list[float]:
    """Return `foreign_share` of each text."""
    if len(max(texts, key=len, default="")) <= _LONGEST_WORD and "".join(texts).isascii():
        return [0.0] * len(texts)
    return [
        0.0 if len(text) <= _LONGEST_WORD and text.isascii() else foreign_share(text)
        for text in texts
    ]


def token_estimates(texts: Sequence[str]) -> list[int]:
    """Return `estimate_tokens` of the part of each text that the models read."""
    if is_plain(texts):  # as many bytes as characters
        lengths = list(map(len, texts))
        if max(lengths, default=0) > MODEL_TEXT_LENGTH:
            lengths = [min(length, MODEL_TEXT_LENGTH) for length in lengths]
        return [3 + length // 4 for length in lengths]
    return [estimate_tokens(text[:MODEL_TEXT_LENGTH]) for text in texts]
