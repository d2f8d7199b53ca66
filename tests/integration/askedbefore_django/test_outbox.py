"""Every change of a question reaches the service, whatever is away or fails meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from askedbefore_client import AskedBeforeError, Client, NotFoundError
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from tests.integration.askedbefore_django.conftest import FORUM, given

pytestmark = pytest.mark.usefixtures("forum")


@contextmanager
def reader() -> Iterator[Client]:
    from askedbefore_django.conf import conf  # noqa: PLC0415

    with conf().client() as client:
        yield client


def deliver() -> tuple[int, int]:
    from askedbefore_django.delivering import turn  # noqa: PLC0415

    with reader() as client:
        return turn(client)


def waiting() -> list[str]:
    from askedbefore_django.models import Change  # noqa: PLC0415

    return list(Change.objects.order_by("id").values_list("object_id", flat=True))


@pytest.mark.usefixtures("service")
def test_a_topic_is_submitted_changed_hidden_and_erased(forum: Any) -> None:
    written = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    topic = forum.Topic.objects.create(
        subject="How do I boil an egg?", text="<p>I <b>tried</b>.</p>", written_at=written
    )
    deliver()
    with reader() as client:
        first = client.get(str(topic.pk))
        topic.subject, topic.is_public = "How do I fry an egg?", False
        topic.save()
        deliver()
        second = client.get(str(topic.pk))
        key = str(topic.pk)
        topic.delete()
        deliver()
        with pytest.raises(NotFoundError):
            client.get(key)

    assert (first.title, first.body, first.visible) == ("How do I boil an egg?", "I tried.", True)
    assert (first.url, first.author) == (f"https://board.example/topics/{key}", "ana")
    assert (second.title, second.visible) == ("How do I fry an egg?", False)
    assert waiting() == []


@pytest.mark.usefixtures("service")
def test_ten_edits_are_sent_as_one_question(forum: Any) -> None:
    topic = forum.Topic.objects.create(subject="Why 0?")
    for n in range(1, 10):
        topic.subject = f"Why {n}?"
        topic.save()

    assert deliver()[0] == 1
    with reader() as client:
        assert client.get(str(topic.pk)).title == "Why 9?"


def test_a_change_of_a_row_beside_the_topic_is_a_change_of_the_topic(forum: Any) -> None:
    topic = forum.Topic.objects.create(subject="Why?")
    forum.Edition.objects.create(topic=topic)

    assert waiting() == [str(topic.pk)] * 2


def test_what_is_rolled_back_is_not_sent(forum: Any) -> None:
    with transaction.atomic():
        forum.Topic.objects.create(subject="Why?")
        transaction.set_rollback(True)

    assert waiting() == []


def test_a_topic_is_not_saved_if_its_change_cannot_be_noted(
    forum: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from askedbefore_django.models import Change  # noqa: PLC0415

    def broken(*_: object, **__: object) -> None:
        raise SystemExit("killed between the two")

    monkeypatch.setattr(type(Change.objects.all()), "bulk_create", broken)
    with pytest.raises(SystemExit):
        forum.Topic.objects.create(subject="Why?")  # outside any transaction of the forum

    assert forum.Topic.objects.count() == 0


def test_nothing_is_lost_while_the_service_is_away(forum: Any) -> None:
    forum.Topic.objects.create(subject="Why?")

    for _ in range(2):
        with pytest.raises(AskedBeforeError):
            deliver()
    with pytest.raises(CommandError, match="stay in the outbox"):
        call_command("askedbefore_deliver", "--once")

    assert len(waiting()) == 1


@pytest.mark.usefixtures("service")
def test_a_wrong_key_or_forum_empties_no_outbox(forum: Any) -> None:
    topic = forum.Topic.objects.create(subject="Why?")
    gone = forum.Topic.objects.create(subject="Why not?")
    gone.delete()
    count = len(waiting())
    right = settings.ASKEDBEFORE

    for wrong in ({"FORUM": "another"}, {"KEY": "ab_wrong"}):
        settings.ASKEDBEFORE = {**right, **wrong}
        with pytest.raises(AskedBeforeError):
            deliver()

    assert len(waiting()) == count
    settings.ASKEDBEFORE = right
    deliver()
    with reader() as client:
        assert client.get(str(topic.pk)).title == "Why?"


@pytest.mark.usefixtures("service")
def test_a_topic_that_is_refused_holds_up_no_other(forum: Any) -> None:
    from askedbefore_django.models import Change  # noqa: PLC0415

    bad = forum.Topic.objects.create(subject=" ")
    good = forum.Topic.objects.create(subject="Why?")

    deliver()

    (left,) = Change.objects.all()
    assert (left.object_id, "title" in left.refused) == (str(bad.pk), True)
    with reader() as client:
        assert client.get(str(good.pk)).title == "Why?"
    bad.subject = "Now there is one"
    bad.save()
    deliver()
    with reader() as client:
        assert client.get(str(bad.pk)).title == "Now there is one"


@pytest.mark.usefixtures("service")
def test_long_texts_and_dates_to_come_are_made_to_fit(forum: Any) -> None:
    later = timezone.now() + timedelta(days=1)
    topic = forum.Topic.objects.create(subject="a" * 3_000, text="b" * 120_000, written_at=later)

    deliver()

    with reader() as client:
        found = client.get(str(topic.pk))
    assert (len(found.title), len(found.body)) == (2_000, 100_000)


@pytest.mark.usefixtures("service")
def test_only_one_process_sends_at_a_time(forum: Any) -> None:
    from askedbefore_django.lease import lease  # noqa: PLC0415

    forum.Topic.objects.create(subject="Why?")

    with lease() as held:
        assert held is not None
        assert deliver() == (0, 0)
    assert deliver()[0] == 1


@pytest.mark.usefixtures("service")
def test_the_lease_of_a_killed_process_ends_by_itself(forum: Any) -> None:
    from askedbefore_django.models import Mark  # noqa: PLC0415

    forum.Topic.objects.create(subject="Why?")
    past = timezone.now() - timedelta(seconds=1)
    Mark.objects.create(name="sender", value="killed", until=past)

    assert deliver()[0] == 1


@pytest.mark.usefixtures("service")
def test_an_archive_is_sent_in_pages_and_goes_on_where_it_was_broken_off(
    forum: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from askedbefore_django.backfilling import pages  # noqa: PLC0415
    from askedbefore_django.sources import sources  # noqa: PLC0415

    forum.Topic.objects.bulk_create([forum.Topic(subject=f"Why {n}?") for n in range(25)])
    ((path, source),) = sources().items()
    with reader() as client:
        next(pages(client, path, source, size=10))  # and then it is killed

    call_command("askedbefore_backfill", "--page", "10")

    told = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in told] == [
        "board.Topic: 20 of 25 sent",
        "board.Topic: 25 of 25 sent",
    ]
    keys = forum.Topic.objects.values_list("pk", flat=True)
    with reader() as client:
        assert {client.get(str(key)).state for key in keys} == {"pending"}


def test_a_setting_that_is_missing_or_misspelt_is_named() -> None:
    from askedbefore_django.checks import check_settings  # noqa: PLC0415

    settings.ASKEDBEFORE = given(FORM="x")
    unknown = check_settings()
    settings.ASKEDBEFORE = {"URL": "http://x"}
    missing = check_settings()
    settings.ASKEDBEFORE = given(URL="service.example")
    wrong = check_settings()

    assert "FORM" in unknown[0].msg
    assert "SOURCES" in missing[0].msg
    assert "http" in wrong[0].msg
    assert FORUM
