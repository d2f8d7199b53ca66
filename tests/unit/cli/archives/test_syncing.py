"""Intervals of syncs, and what is fetched again."""

import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.archives import fetching, syncing
from cli.archives.syncing import seconds_of
from db.errors import InvalidInputError

DAY = timedelta(days=1).total_seconds()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m", 60), ("30m", 1_800), (" 6h ", 21_600), ("1 d", DAY), ("365d", 365 * DAY)],
)
def test_an_interval_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "30", "m", "0m", "-1h", "1.5h", "30s", "1w", "366d", "9999999m", "1h 2m"],
)
def test_what_is_no_interval_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInputError, match="such as 30m, 6h or 1d"):
        seconds_of(text)


@given(st.integers(1, 365), st.sampled_from("mhd"))
def test_a_longer_unit_is_a_longer_interval(count: int, unit: str) -> None:
    found = seconds_of(f"{count}{unit}")

    assert found == count * {"m": 60, "h": 3_600, "d": DAY}[unit]


class Site(http.server.BaseHTTPRequestHandler):
    """Has one file, and says when it has not changed."""

    def do_GET(self) -> None:
        status = 200 if self.path == "/old/archive.csv" else 404
        if self.headers.get("If-None-Match") == '"v1"':
            status = 304
        self.send_response(status)
        self.send_header("ETag", '"v1"')
        self.end_headers()
        if status == 200:
            self.wfile.write(b"id,title\n1,Egg?\n")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_file_is_downloaded_with_its_name_and_mark_and_not_again(site: str) -> None:
    url = f"{site}/old/archive.csv"
    with syncing._downloaded(url, {}) as found:  # noqa: SLF001  # a sync needs a database
        assert found is not None
        file, mark = found
        assert (file.name, file.read_bytes()) == ("archive.csv", b"id,title\n1,Egg?\n")
    assert not file.exists()

    with syncing._downloaded(url, mark) as again:  # noqa: SLF001  # as above
        assert again is None


def test_an_address_without_a_file_is_named_with_the_answer(site: str) -> None:
    with (
        pytest.raises(InvalidInputError, match=r"gone\.csv.* 404"),
        syncing._downloaded(f"{site}/gone.csv", {}),  # noqa: SLF001  # as above
    ):
        pass


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.csv", "http://no.such.host.invalid/x"])
def test_a_sync_of_a_server_that_is_away_says_so(url: str) -> None:
    with (
        pytest.raises(InvalidInputError, match="correct the address, or try again"),
        syncing._downloaded(url, {}),  # noqa: SLF001  # as above
    ):
        pass


def test_a_file_is_fetched_whole_and_read_from_its_beginning(site: str) -> None:
    with fetching.fetched(f"{site}/old/archive.csv") as file:
        assert file.read() == b"id,title\n1,Egg?\n"


@pytest.mark.parametrize(
    ("path", "said"), [("/gone.csv", "answered 404"), (":x/", "cannot be fetched")]
)
def test_what_cannot_be_fetched_is_said_in_a_sentence(site: str, path: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        fetching.fetched(f"{site}{path}")


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:1/x", "http://a b/"])
def test_an_address_that_leads_nowhere_is_no_traceback(url: str) -> None:
    with pytest.raises(InvalidInputError, match="correct the address"):
        fetching.fetched(url)
