"""CESU-8: signs in two halves become whole, wherever a file is cut."""

import codecs
import io

from hypothesis import given
from hypothesis import strategies as st

from worker.archives.readers.containers import cesu8
from worker.archives.readers.containers.streams import as_utf8, detect_encoding


@given(st.text(max_size=40), st.integers(1, 9))
def test_a_text_comes_back_however_it_is_cut(text: str, size: int) -> None:
    data = text.encode(cesu8.NAME)
    decoder = codecs.getincrementaldecoder(cesu8.NAME)("replace")
    pieces = [data[at : at + size] for at in range(0, len(data), size)]

    read = "".join(map(decoder.decode, pieces)) + decoder.decode(b"", final=True)

    assert read == text


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_utf8_stays_as_it_is(text: str) -> None:
    assert cesu8.mended(text.encode()) == text.encode()
    assert not cesu8.is_cesu8(text.encode())


def test_half_a_sign_alone_is_no_cesu8() -> None:
    assert not cesu8.is_cesu8(b"How\xed\xa0\xbd are you?")


def test_a_file_is_recognised_though_its_sample_ends_inside_a_sign() -> None:
    data = "Why \U0001f600 and \U0001f355?".encode(cesu8.NAME)

    encodings = {detect_encoding(data[: len(data) - cut]) for cut in range(4)}

    assert encodings == {cesu8.NAME}
    assert as_utf8(io.BytesIO(data), cesu8.NAME).read().decode() == "Why \U0001f600 and \U0001f355?"
