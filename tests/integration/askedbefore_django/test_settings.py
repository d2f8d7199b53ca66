"""What a forum sets, and what is made of it, without any call."""

import string
from io import StringIO
from typing import Any

import pytest
from askedbefore_client import Action, BusyError, NoAnswerError
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from hypothesis import given as drawn
from hypothesis import strategies as st

from tests.integration.askedbefore_django.conftest import given
from tests.servers.api_service import make_settings

pytestmark = pytest.mark.usefixtures("forum")
CLOSE = Action(id="1", kind="close", question_id="7", canonical_url="https://f.example/3")


def conf(**changes: object) -> Any:
    from askedbefore_django.conf import conf as read  # noqa: PLC0415  # Django is set up

    settings.ASKEDBEFORE = given(**changes)
    return read()


def test_the_migrations_are_those_of_the_models() -> None:
    said = StringIO()

    call_command("makemigrations", "askedbefore_django", check=True, dry_run=True, stdout=said)

    assert said.getvalue() == "No changes detected in app 'askedbefore_django'\n"


def test_the_id_of_a_check_with_all_its_suggestions_is_kept_whole(forum: Any) -> None:
    from askedbefore_django.models import CHECK_ID_LENGTH, Change  # noqa: PLC0415
    from django.test import Client as Browser  # noqa: PLC0415

    from api.shapes.check_ids import CHECK_ID_LENGTH as TAKEN  # noqa: PLC0415
    from api.shapes.check_ids import Suggested, seal  # noqa: PLC0415
    from worker.queue import CheckAnswer, CheckedDuplicate  # noqa: PLC0415

    found = [
        CheckedDuplicate(id=str(n), title="T", url=None, score=0.9, cosine=None, kind="model")
        for n in range(10)
    ]
    answer = CheckAnswer(duplicates=found, threshold=0.5, bi_encoder="b", reranker="r")
    check_id = seal(make_settings(), Suggested.of(1, answer))

    Browser().post("/ask/", {"subject": "Egg?", "askedbefore_check": check_id})

    kept = Change.objects.exclude(check_id="").values_list("check_id", flat=True)
    assert list(kept) == [check_id]
    assert forum.Topic.objects.count() == 1
    assert TAKEN == CHECK_ID_LENGTH


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SOURCES": "board.Topics"}, "must be a list"),
        ({"SOURCE": ["board.Topics"]}, "SOURCE"),
        ({"SOURCES": None}, "needs URL, FORUM, KEY, SITE_URL and SOURCES"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        conf(**changes)


@pytest.mark.parametrize(
    ("changes", "address"),
    [
        ({}, "http://127.0.0.1:9"),
        ({"URL": "http://inside/"}, "http://inside"),
        ({"PUBLIC_URL": "https://ask.example/dup/"}, "https://ask.example/dup"),
    ],
)
def test_browsers_reach_the_service_at_its_public_address(
    changes: dict[str, object], address: str
) -> None:
    assert conf(**changes).browser_url == address


def test_words_name_what_is_known() -> None:
    found = conf()

    assert found.words(CLOSE) == "This was asked before: https://f.example/3"
    told = found.words(CLOSE, "Boiling eggs", "https://f.example/object")
    assert told.startswith("This was asked before: Boiling eggs https://f.example/3 ")
    assert told.endswith("https://f.example/object")
    nowhere = Action(id="1", kind="note", question_id="7")
    assert found.words(nowhere) == "This was asked before:"


def test_no_setting_can_close_the_script_tag() -> None:
    from askedbefore_django.widget import widget_tag  # noqa: PLC0415

    tag = widget_tag(conf(FORUM='a"><script>'), "#id_title")

    assert tag.count("<script") == 1
    assert "&quot;&gt;&lt;script&gt;" in tag
    assert widget_tag(conf(PUBLIC_KEY=""), "#id_title") == ""
    assert 'data-title="#mine"' in widget_tag(conf(TITLE_SELECTOR="#mine"), "#id_title")


@drawn(st.integers(1, 5_000), st.floats(0.1, 30), st.none() | st.floats(0, 500))
def test_a_pause_is_never_shorter_than_asked_for_or_than_usual(
    failures: int, interval_s: float, asked: float | None
) -> None:
    from askedbefore_django.delivering import LONGEST_PAUSE_S, pause_s  # noqa: PLC0415

    busy = BusyError({}, status=503, retry_after_s=asked)

    pause = pause_s(busy, failures=failures, interval_s=interval_s)

    assert pause >= min(interval_s, LONGEST_PAUSE_S)
    if asked is None:
        gone = pause_s(NoAnswerError("x"), failures=failures, interval_s=interval_s)
        assert pause == gone <= LONGEST_PAUSE_S
    else:
        assert pause >= asked


def source(**changes: object) -> Any:
    from askedbefore_django.sources import sources  # noqa: PLC0415

    topics = type(next(iter(sources().values())))
    return type("Other", (topics,), changes)()


@drawn(st.text(string.printable, max_size=10))
def test_an_id_leads_back_to_the_key_of_its_own_source_alone(key: str) -> None:
    mine, other = source(prefix="topic-"), source(prefix="idea-")

    assert mine.key_of(mine.id_of(key)) == key
    assert other.key_of(mine.id_of(key)) is None
    assert source().key_of(mine.id_of(key)) == f"topic-{key}"


@pytest.mark.parametrize("key", ["", "abc", "1.5", "9" * 40, "1; DROP TABLE", "\u0661\u0662x"])
def test_a_key_that_no_question_can_have_finds_none(key: str) -> None:
    assert source().find(key) is None


def test_the_longest_prefix_that_fits_is_meant(monkeypatch: pytest.MonkeyPatch, forum: Any) -> None:
    from askedbefore_django import acting  # noqa: PLC0415

    known = {"plain": source(), "topics": source(prefix="t-"), "old": source(prefix="t-old-")}
    monkeypatch.setattr(acting, "sources", lambda: known)

    placed = {one: acting._place(one) for one in ("7", "t-7", "t-old-7")}  # noqa: SLF001  # pure

    assert placed == {"7": ("plain", "7"), "t-7": ("topics", "7"), "t-old-7": ("old", "7")}
    assert forum is not None


def test_an_id_of_no_source_is_kept_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from askedbefore_django import acting  # noqa: PLC0415

    monkeypatch.setattr(acting, "sources", lambda: {"ideas": source(prefix="idea-")})

    assert acting._place("7") == ("", "7")  # noqa: SLF001  # pure


def test_a_field_may_lead_over_relations_and_over_nothing(forum: Any) -> None:
    topic = forum.Topic.objects.create(subject="Egg?")
    leading = source(category="edition.topic.subject", author="pk", votes="nowhere.at", asker="")

    assert leading.value(topic, "votes") is None
    assert leading.value(topic, "author") == topic.pk
    assert leading.value(topic, "asker") is None
