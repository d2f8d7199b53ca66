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
