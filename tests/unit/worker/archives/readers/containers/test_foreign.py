"""Files that are not read are named with what to do, and no table is taken for one of them."""

import io
import pickle
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather

from worker.archives.readers.containers.code_pages import likely_page
from worker.archives.readers.containers.foreign import LOOKED, about, is_text


def arrow() -> bytes:
    sink = io.BytesIO()
    feather.write_feather(pa.table({"title": ["Why?"]}), sink)
    return sink.getvalue()


def array() -> bytes:
    sink = io.BytesIO()
    np.save(sink, np.zeros(3))
    return sink.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.pkl", pickle.dumps({"title": "Why?"}, protocol=4), "a pickle, which is never opened"),
        ("a.pkl", pickle.dumps(["Why?"], protocol=2), "a pickle, which is never opened"),
        ("a.npy", array(), "an array of NumPy: write it as CSV or Parquet"),
        ("a.arrow", arrow(), "write it as Parquet"),
        ("a.rar", b"Rar!\x1a\x07\x01\x00" + b"\0" * 60, "a RAR file: unpack it first"),
        ("a.db", b"SQLite format 3\0" + b"\0" * 60, r"its dump \(sqlite3 FILE \.dump\)"),
        ("a.mdb", b"\0\1\0\0Standard Jet DB\0" + b"\0" * 60, "mdb-export"),
        ("a.pdf", b"%PDF-1.7\n1 0 obj", "a PDF, no table"),
        ("a", b"-----BEGIN PGP MESSAGE-----\n", "decrypt it first"),
        ("a.br", b"\x8b\x02\x80 Why?", "brotli -d FILE"),
        ("A.BSON", b"\x16\x00\x00\x00\x02title\x00", "bsondump FILE"),
        ("a.cpio", b"070701" + b"0" * 58, "a cpio file"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "a picture, no table"),
    ],
)
def test_a_file_that_is_not_read_is_named_with_what_to_do(
    name: str, data: bytes, said: str
) -> None:
    found = about(name, data[:LOOKED])

    assert found is not None
    assert re.search(said, found)


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("a.csv", b"ORC,title\n"),
        ("a.csv", b"MSCF,title\n"),
        ("a.csv", b"xar!,title\n"),
        ("a.csv", b"TAPE,title\n1,Why?\n"),
        ("notes.br", b"id,title\n1,Why?\n"),
        ("a.bson", b'{"title": "Why?"}\n'),
        ("a.csv", b"0707010,title\n"),
        ("a.csv", "id,frage\n1,F\u00fcnf?\n".encode()),
        ("", b""),
    ],
)
def test_a_text_is_never_taken_for_one_of_them(name: str, begin: bytes) -> None:
    assert about(name, begin[:LOOKED]) is None


@given(st.text('abc,;\n"? 1', max_size=LOOKED), st.sampled_from(["a.csv", "a.json", "a.br", ""]))
def test_no_table_of_plain_letters_is_refused(begin: str, name: str) -> None:
    assert about(name, begin.encode()) is None
    assert is_text(begin)


@given(st.binary(max_size=LOOKED), st.text(max_size=12))
def test_any_bytes_are_looked_at_without_an_error(begin: bytes, name: str) -> None:
    found = about(name, begin)

    assert found is None or len(found) > 5


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("", True),
        ("plain\ttext\r\n\x0c", True),
        ("\x00" * 8, True),
        ("\x00" * 9, False),
        ("\x01" * 99, True),
        ("a" * 1_000 + "\x02" * 20, True),
        ("a" * 1_000 + "\x02" * 21, False),
    ],
)
def test_a_text_may_have_a_few_signs_that_nobody_sees(text: str, *, is_one: bool) -> None:
    assert is_text(text) is is_one


SENTENCES = {
    "cp1252": "Für Grüße wählen Sie fünf Äpfel, né à Besançon, señor",
    "cp1250": "Żółta łódź płynie, příliš žluťoučký kůň",
    "cp1251": "Как сварить яйцо всмятку и почему небо голубое",
    "cp1253": "Πώς βράζω ένα αυγό και γιατί ο ουρανός είναι μπλε",  # noqa: RUF001
    "cp1254": "Şifremi unuttum, yağmur çok yağıyor, güneş doğdu",  # noqa: RUF001
    "cp1255": "איך מבשלים ביצה רכה ולמה השמים כחולים היום",
    "cp1256": "كيف أسلق بيضة ولماذا السماء زرقاء",
    "koi8_r": "Как сварить яйцо всмятку и почему небо голубое",
    "cp866": "Как сварить яйцо всмятку и почему небо голубое",
    "iso8859_7": "Πώς βράζω ένα αυγό",
    "mac_cyrillic": "Как сварить яйцо? Почему небо голубое? Где лежит Ёлка?",
    "cp1257": "Kaip išvirti kiaušinį, kodėl dangus žydras ir šąla žiūronas",
    "cp775": "Kaip išvirti kiaušinį, kodėl dangus žydras ir šąla žiūronas",
    "iso8859_13": "Kā uzvārīt olu, kāpēc debesis ir zilas un kur ir žurnāls",
    "cp852": "Jak ugotować jajko, dlaczego niebo jest błękitne, źródło",
    "cp857": "Şifremi unuttum, yağmur çok yağıyor, güneş doğdu",  # noqa: RUF001
    "mac_greek": "Πώς βράζω ένα αυγό και γιατί ο ουρανός είναι μπλε",  # noqa: RUF001
    "cp737": "Πώς βράζω ένα αυγό και γιατί ο ουρανός είναι μπλε",  # noqa: RUF001
}


@pytest.mark.parametrize("page", SENTENCES)
def test_a_sentence_is_read_in_a_page_in_which_it_means_what_was_written(page: str) -> None:
    sentence = SENTENCES[page]

    found = likely_page(sentence.encode(page))

    assert found is not None
    assert sentence.encode(page).decode(found) == sentence


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_plain_letters_are_read_in_the_most_common_page(text: str) -> None:
    assert likely_page(text.encode()) == "cp1252"
