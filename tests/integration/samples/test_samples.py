"""The programs of docs/integrate.md, run as they stand there against the real API."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks.webhooks import Webhook as Standard

from api.app import create_app
from db.rows import PairKind
from tests.documents import ROOT
from tests.servers.api_service import NotingQueue, make_client, make_key, make_settings
from tests.servers.live_server import serving
from worker.queue import CheckAnswer, CheckedDuplicate

Factory = sessionmaker[Session]
FORUM = "my-forum"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ASKED, STORED = "How do I boil an egg?", "What is the way to boil one egg?"
BODY = json.dumps({"type": "pair.decided", "timestamp": "2026-01-01T00:00:00Z", "data": {"ü": 1}})

DRIVERS = {
    "python": """
import json, sys
given = json.load(sys.stdin)
if "headers" in given:
    print(verify(given["body"].encode(), given["headers"]) or "refused")
else:
    submit("a/b 1", given["title"], "https://forum.example/1")
    print(check(given["title"]))
""",
    "javascript": """
const given = JSON.parse(require("node:fs").readFileSync(0));
(async () => {
  if (given.headers) return console.log(verify(given.body, given.headers) ?? "refused");
  await submit("a/b 1", given.title, "https://forum.example/1");
  console.log(await check(given.title));
})();
""",
    "php": """
$given = json_decode(file_get_contents('php://stdin'), true);
if (isset($given['headers'])) {
    echo verify($given['body'], $given['headers']) ?? 'refused';
} else {
    submit('a/b 1', $given['title'], 'https://forum.example/1');
    print_r(check($given['title']));
}
""",
    "ruby": """
given = JSON.parse($stdin.read)
if given["headers"]
  puts(verify(given["body"], given["headers"]) || "refused")
else
  submit("a/b 1", given["title"], "https://forum.example/1")
  p check(given["title"])
end
""",
}
PROGRAMS = {"python": sys.executable, "javascript": "node", "php": "php", "ruby": "ruby"}
ENDINGS = {"python": "py", "javascript": "js", "php": "php", "ruby": "rb"}


def program(language: str) -> str:
    """Return the sample of a language, as it stands in the page."""
    page = (ROOT / "docs" / "integrate.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return str(found)


def run(language: str, folder: Path, given: dict[str, object], **variables: str) -> str:
    """Run a sample with what drives it; skips where the language is not installed."""
    interpreter = shutil.which(PROGRAMS[language])
    if interpreter is None:
        pytest.skip(f"{PROGRAMS[language]} is not installed: apt-get install nodejs php-cli ruby")
    path = folder / f"sample.{ENDINGS[language]}"
    path.write_text(program(language) + DRIVERS[language], encoding="utf-8")
    done = subprocess.run(
        [interpreter, str(path)],
        input=json.dumps(given),
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "client"),
            "FORUM_NAME": FORUM,
            "FORUM_SECRET": SECRET,
            "LANG": "C.UTF-8",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def service(committed: Factory) -> Iterator[dict[str, str]]:
    found = CheckedDuplicate(
        id="7", title=STORED, url=None, score=0.9, cosine=0.8, kind=PairKind.MODEL
    )
    queue = NotingQueue()
    queue.answer = CheckAnswer(duplicates=(found,), threshold=0.5, bi_encoder="a", reranker="b")
    key = make_key(committed, FORUM)
    with serving(create_app(make_settings(), committed, queue)) as url:
        yield {"FORUM_URL": url, "FORUM_KEY": key}


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_question_is_submitted_and_checked(
    language: str, tmp_path: Path, committed: Factory, service: dict[str, str]
) -> None:
    told = run(language, tmp_path, {"title": ASKED}, **service)

    client = make_client(committed, service["FORUM_KEY"])
    stored = client.get("/v1/forums/my-forum/questions/a%2Fb%201").json()
    assert (stored["title"], stored["url"]) == (ASKED, "https://forum.example/1")
    assert STORED in told


@pytest.mark.parametrize("language", PROGRAMS)
def test_only_what_the_service_signed_is_taken(language: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)

    def told(secret: str = SECRET, *, body: str = BODY, sent: datetime = now) -> str:
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(sent.timestamp())),
            "webhook-signature": f"v1,abc {Standard(secret).sign('msg_1', sent, BODY)}",
        }
        nowhere = {"FORUM_URL": "http://127.0.0.1:9", "FORUM_KEY": "ab_none"}
        return run(language, tmp_path, {"body": body, "headers": headers}, **nowhere).strip()

    assert told() == "pair.decided"
    assert told(OTHER) == "refused"
    assert told(body=BODY + " ") == "refused"
    assert told(sent=now - timedelta(minutes=6)) == "refused"
