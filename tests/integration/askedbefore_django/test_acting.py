"""Decisions of moderators are carried out in the forum once, and confirmed to the service."""

from types import SimpleNamespace
from typing import Any

import pytest
from askedbefore_client import Action
from django.conf import settings
from django.http import Http404
from django.test import Client as Browser
from django.test import RequestFactory
from django.utils.module_loading import import_string
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks.webhooks import Webhook as Standard

from db.actions import actions
from db.actions.rows import ActionState
from db.deciding import decisions
from db.deciding.decisions import Decided
from db.tables.questions import Question
from db.tenants import forums
from tests.integration.askedbefore_django.conftest import FORUM, SECRET
from tests.integration.askedbefore_django.test_outbox import deliver, reader
from tests.rows.review import Seeded, flag, say

Factory = sessionmaker[Session]
pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def topics(forum: Any) -> list[Any]:
    """Two topics that ask the same; the service knows both."""
    made = [forum.Topic.objects.create(subject=f"How do I boil {n} egg?") for n in ("an", "one")]
    deliver()
    return made


def decide(committed: Factory, topics: list[Any]) -> tuple[Seeded, Decided]:
    """Have a moderator say that both topics ask the same."""
    keys = [str(topic.pk) for topic in topics]
    with committed.begin() as session:
        row = forums.get_forum(session, FORUM)
        stored = session.query(Question).filter_by(forum_id=row.id).all()
        ids = {one.external_id: one.id for one in stored}
        seeded = Seeded(row, [ids[key] for key in keys])
        return seeded, say(session, seeded, flag(session, seeded, 0, 1))


def undo(committed: Factory, seeded: Seeded, done: Decided) -> None:
    with committed.begin() as session:
        decisions.undo(session, seeded.forum.id, done.id, actor="ana")


def states(committed: Factory, seeded: Seeded) -> list[tuple[str, str, str | None]]:
    """Return kind, state and reason of every action, as the service has them."""
    with committed.begin() as session:
        where = actions.ActionFilter(states=list(ActionState), is_due=False)
        found = actions.list_actions(session, seeded.forum.id, where=where)
    return [(str(row.kind), str(row.state), row.reason) for row in found]


def closed(topics: list[Any]) -> list[Any]:
    for topic in topics:
        topic.refresh_from_db()
    return [topic for topic in topics if topic.is_locked]


def test_a_confirmed_duplicate_is_closed_and_an_undo_opens_it(
    committed: Factory, topics: list[Any]
) -> None:
    seeded, done = decide(committed, topics)
    deliver()
    (shut,) = closed(topics)
    told = states(committed, seeded)
    undo(committed, seeded, done)
    deliver()

    (canonical,) = (topic for topic in topics if topic != shut)
    assert told == [("close", "applied", None)]
    assert closed(topics) == []
    assert states(committed, seeded)[-1] == ("reopen", "applied", None)
    assert canonical.remark == shut.remark == ""


def test_the_link_leads_to_the_canonical_topic(committed: Factory, topics: list[Any]) -> None:
    decide(committed, topics)
    deliver()
    (shut,) = closed(topics)
    (canonical,) = (topic for topic in topics if topic != shut)

    assert shut.remark == f"see https://board.example/topics/{canonical.pk}"


def test_what_a_person_had_closed_stays_closed_after_an_undo(
    committed: Factory, topics: list[Any]
) -> None:
    for topic in topics:
        topic.is_locked = True
        topic.save()
    seeded, done = decide(committed, topics)
    deliver()
    undo(committed, seeded, done)
    deliver()

    assert closed(topics) == topics


def test_an_answer_that_was_lost_closes_nothing_twice(
    committed: Factory, topics: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from askedbefore_django import acting  # noqa: PLC0415

    seeded, _ = decide(committed, topics)
    with monkeypatch.context() as patch:
        patch.setattr(acting, "tell", lambda _: None)  # killed before it could tell
        deliver()
    (shut,) = closed(topics)
    shut.remark = "a person's words"
    shut.save()
    before = states(committed, seeded)
    deliver()

    shut.refresh_from_db()
    assert before == [("close", "open", None)]
    assert shut.remark == "a person's words"
    assert states(committed, seeded) == [("close", "applied", None)]


def test_a_person_who_opens_it_again_is_right(committed: Factory, topics: list[Any]) -> None:
    seeded, _ = decide(committed, topics)
    deliver()
    (shut,) = closed(topics)
    shut.is_locked = False
    shut.save()
    deliver()
    deliver()

    assert states(committed, seeded)[0][:2] == ("close", "reverted")
    assert closed(topics) == []


def test_what_cannot_be_done_is_told_with_its_reason_and_tried_again_when_asked(
    committed: Factory, topics: list[Any]
) -> None:
    for topic in topics:
        topic.author = "nobody"
        topic.save()
    seeded, _ = decide(committed, topics)
    deliver()
    failed = states(committed, seeded)
    for topic in topics:
        topic.author = "ana"
        topic.save()
    with committed.begin() as session:
        where = actions.ActionFilter(states=[ActionState.FAILED])
        (row,) = actions.list_actions(session, seeded.forum.id, where=where)
        actions.send_again(session, seeded.forum.id, row.id)
    deliver()

    assert failed == [("close", "failed", "the topic of nobody cannot be closed")]
    assert states(committed, seeded) == [("close", "applied", None)]
    assert len(closed(topics)) == 1


def objection(action_id: str, name: str | None) -> Any:
    """Return the answer of the page for objections to a user of this name, or to nobody."""
    from askedbefore_django.views import objection as view  # noqa: PLC0415

    request = RequestFactory().get("/askedbefore/objection/")
    request.user = SimpleNamespace(pk=name, is_authenticated=name is not None)
    return view(request, action_id)


def test_the_asker_alone_is_led_to_the_page_for_objections(
    committed: Factory, topics: list[Any]
) -> None:
    seeded, _ = decide(committed, topics)
    deliver()
    with committed.begin() as session:
        where = actions.ActionFilter(states=[ActionState.APPLIED])
        (row,) = actions.list_actions(session, seeded.forum.id, where=where)

    own, other, nobody = (objection(str(row.id), name) for name in ("ana", "bob", None))

    assert own.url == f"{settings.ASKEDBEFORE['URL']}/objections/{row.token}"
    assert (other.status_code, row.token in other.content.decode()) == (403, False)
    assert nobody.url.startswith("/accounts/login/?next=%2Faskedbefore%2Fobjection%2F")
    for unknown in ("0", "nothing"):
        with pytest.raises(Http404):
            objection(unknown, "ana")


@pytest.mark.parametrize(("is_public", "told"), [(True, "How do I boil an egg?"), (False, "")])
def test_the_canonical_title_is_told_where_everybody_may_read_it(
    topics: list[Any], is_public: bool, told: str
) -> None:
    topics[0].is_public = is_public
    topics[0].save()
    source = import_string(settings.ASKEDBEFORE["SOURCES"][0])()
    action = Action(
        id="7",
        kind="close",
        question_id=str(topics[1].pk),
        canonical_id=str(topics[0].pk),
        canonical_url="https://board.example/1",
    )

    assert f"before: {told}".strip() + " https" in source.words(action)


def test_what_everybody_reads_names_the_forums_page_and_never_the_askers_own(board: None) -> None:  # noqa: ARG001  # it is set up
    source = import_string(settings.ASKEDBEFORE["SOURCES"][0])()
    action = Action(
        id="7",
        kind="close",
        question_id="2",
        canonical_url="https://board.example/1",
        objection_path="/objections/secret",
    )
    words = source.words(action)

    assert words.endswith("object here: https://board.example/askedbefore/objection/7/")
    assert "secret" not in words


def hook(body: str, secret: str = SECRET) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415

    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Standard(secret).sign("msg_1", now, body),
    }
    path = "/askedbefore/webhook/"
    answer = Browser(enforce_csrf_checks=True).post(
        path, body, content_type="application/json", headers=headers
    )
    return int(answer.status_code)


def test_a_webhook_carries_out_what_is_due(committed: Factory, topics: list[Any]) -> None:
    decide(committed, topics)
    body = '{"type": "action.due", "timestamp": "2026-01-01T00:00:00Z", "data": {}}'

    assert hook(body) == 204
    assert len(closed(topics)) == 1


def test_a_webhook_that_the_service_did_not_sign_does_nothing(
    committed: Factory, topics: list[Any]
) -> None:
    decide(committed, topics)
    body = '{"type": "action.due", "timestamp": "2026-01-01T00:00:00Z", "data": {}}'

    assert hook(body, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD") == 403
    assert closed(topics) == []


def test_the_ask_page_has_the_ask_box_and_no_other_page_has_it() -> None:
    url = settings.ASKEDBEFORE["URL"]

    page = Browser().get("/ask/")
    tagged = Browser().get("/tagged/").content.decode()

    script = (
        f'<script src="{url}/widget.js" data-forum="board" data-key="ab_public"'
        ' data-title="#id_title" defer></script></body></html>'
    )
    assert page.content.decode().endswith(script)
    assert int(page["Content-Length"]) == len(page.content)
    assert script.replace("#id_title", "#subject").removesuffix("</body></html>") in tagged
    assert b"widget" not in Browser().get("/other/").content
    assert b"widget" not in Browser().get("/ask/?json=1").content


def test_the_service_is_told_which_question_was_posted_under_which_check(forum: Any) -> None:
    from askedbefore_django.models import Change  # noqa: PLC0415

    form = {"subject": "How do I boil an egg?", "askedbefore_check": "c-1"}
    posted = Browser().post("/ask/", form).content.decode()
    Browser().post("/other/", form)
    later = forum.Topic.objects.create(subject="Why?")

    found = Change.objects.order_by("id").values_list("object_id", "check_id")
    assert list(found) == [(posted, "c-1"), (posted, ""), (str(later.pk), "")]
    deliver()  # nobody knows this check any more, which stops nothing
    assert Change.objects.count() == 0


def test_without_a_public_key_there_is_no_ask_box() -> None:
    settings.ASKEDBEFORE = {**settings.ASKEDBEFORE, "PUBLIC_KEY": ""}

    assert b"script" not in Browser().get("/ask/").content
    with reader() as client:
        assert client.actions().actions == ()
