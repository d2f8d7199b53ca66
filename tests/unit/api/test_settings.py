import subprocess
import sys

import pytest
from pydantic import ValidationError

from api.settings import ApiSettings

SAFE = {"redis_url": "redis://localhost/0", "secret_key": "0123456789abcdef" * 2}
HEAVY = ("torch", "transformers", "onnxruntime", "pandas", "pyarrow", "sentence_transformers")
MEMORY_LIMIT_KIB = 200 * 1024


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret_key": "change-me"}, "secret_key still holds the placeholder"),
        ({"secret_key": "please-change-me-" + "x" * 32}, "secret_key still holds the placeholder"),
        ({"secret_key": "x" * 31}, "secret_key must have at least 32 characters"),
        ({"redis_url": "redis://:change-me@redis/0"}, "redis_url still holds the placeholder"),
        ({"max_payload_bytes": 0}, "greater than 0"),
        ({"wait_limit_s": -1}, "greater than or equal to 0"),
    ],
)
def test_unsafe_settings_are_refused_without_showing_them(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        ApiSettings.model_validate({**SAFE, **changes})

    messages = " ".join(item["msg"] for item in caught.value.errors())
    assert "xxxx" not in messages
    assert ":change-me@" not in messages


def test_the_process_that_serves_never_loads_a_model_and_stays_small() -> None:
    program = (
        "import re, sys; import api.main;"
        f"print([name for name in {HEAVY!r} if name in sys.modules]);"
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()).group(1))"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    ).stdout.splitlines()

    assert said[0] == "[]"
    assert int(said[1]) < MEMORY_LIMIT_KIB


@pytest.mark.parametrize(
    ("given", "url", "path"),
    [
        ("", "", ""),
        ("https://ask.example", "https://ask.example", ""),
        ("https://ask.example/", "https://ask.example", ""),
        ("HTTPS://ask.example", "https://ask.example", ""),
        ("http://localhost:8000", "http://localhost:8000", ""),
        ("https://[::1]:8443", "https://[::1]:8443", ""),
        ("https://forum.example/dup", "https://forum.example/dup", "/dup"),
        ("https://forum.example/a/b.c/~d/", "https://forum.example/a/b.c/~d", "/a/b.c/~d"),
    ],
)
def test_a_public_address_is_kept_as_links_begin_with_it(given: str, url: str, path: str) -> None:
    settings = ApiSettings.model_validate({**SAFE, "public_url": given})

    assert (settings.public_url, settings.path) == (url, path)


@pytest.mark.parametrize(
    "url",
    [
        "ask.example",
        "ftp://ask.example",
        "https://",
        "https:///dup",
        "https://ask.example?x=1",
        "https://ask.example/#x",
        "https://ask.example//dup",
        "https://ask.example/v1",
        "https://ask.example/console/x",
        "https://ask.example/d\u00fcp",
        "https://ask.example/\u0434",
        "https://ask.example/a/b://c",
        "https://ask example",
        "https://ask.example/a b",
        "https://[::1",
    ],
)
def test_what_no_browser_could_follow_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        ApiSettings.model_validate({**SAFE, "public_url": url})


@pytest.mark.parametrize(
    ("changes", "seconds"),
    [({}, 90), ({"proof_s": 10}, 30), ({"readiness_proof_s": 7}, 7)],
)
def test_a_proof_is_believed_for_three_rounds_unless_it_is_said(
    changes: dict[str, object], seconds: int
) -> None:
    assert ApiSettings.model_validate({**SAFE, **changes}).believed_s == seconds


@pytest.mark.parametrize("proxies", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8;::1"])
def test_proxies_are_networks(proxies: str) -> None:
    with pytest.raises(ValidationError):
        ApiSettings.model_validate({**SAFE, "trusted_proxies": proxies})


def test_no_forum_may_take_all_slots_for_uploads() -> None:
    with pytest.raises(ValidationError, match="more than upload_slots_per_forum"):
        ApiSettings.model_validate({**SAFE, "upload_slots": 2, "upload_slots_per_forum": 2})
