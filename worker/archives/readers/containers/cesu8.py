"""CESU-8: the UTF-8 of Java, Oracle and old MySQL, in which an emoji is two surrogates.

`cesu-8` becomes a codec of Python. It also removes the zero byte of Java's own form.
"""

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

NAME = "cesu-8"
_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
_FIRST_WIDE = 0x10000
_WIDE = re.compile("[\U00010000-\U0010ffff]")
_ZERO = b"\xc0\x80"
_BEGUN = re.compile(rb"(?:\xed(?:[\xa0-\xaf](?:[\x80-\xbf](?:\xed[\xb0-\xbf]?)?)?)?|\xc0)\Z")
"""An incomplete sign at the end of a piece."""


def mended(data: bytes) -> bytes:
    """Return *data* with one sign in place of two surrogates, and without zero bytes."""
    if b"\xed" not in data and _ZERO not in data:
        return data
    return _PAIR.sub(lambda pair: _whole(pair[0]), data).replace(_ZERO, b"")


def is_cesu8(sample: bytes) -> bool:
    """Return whether a text that begins with *sample* is CESU-8, and not plain UTF-8."""
    whole = mended(sample)
    if whole == sample:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(_BEGUN.sub(b"", whole))
    except UnicodeDecodeError:
        return False
    return True


def _whole(pair: bytes) -> bytes:
    halves = pair.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass")
    return halves.decode("utf-16").encode()


class _Decoder(codecs.BufferedIncrementalDecoder):
    def _buffer_decode(self, data: "Buffer", errors: str, final: bool) -> tuple[str, int]:
        body = bytes(data)
        if not final and (begun := _BEGUN.search(body)):
            body = body[: begun.start()]
        whole = mended(body)
        text, used = codecs.utf_8_decode(whole, errors, final)
        return text, len(body) - (len(whole) - used)


def _encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
    halves = _WIDE.sub(lambda sign: _halves(ord(sign[0]) - _FIRST_WIDE), text)
    return halves.encode("utf-8", "surrogatepass" if errors == "strict" else errors), len(text)


def _halves(place: int) -> str:
    return chr(0xD800 + (place >> 10)) + chr(0xDC00 + (place & 0x3FF))


def _decode(data: "Buffer", errors: str = "strict") -> tuple[str, int]:
    whole = bytes(data)
    return mended(whole).decode("utf-8", errors), len(whole)


def _find(name: str) -> codecs.CodecInfo | None:
    if name.replace("-", "_") != NAME.replace("-", "_"):
        return None
    return codecs.CodecInfo(encode=_encode, decode=_decode, incrementaldecoder=_Decoder, name=NAME)


codecs.register(_find)
