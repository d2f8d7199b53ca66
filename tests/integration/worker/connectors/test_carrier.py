"""Decisions carried out in a forum that answers as Discourse's documentation says."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from db.actions import actions
from db.actions.actions import ActionFilter
from db.actions.rows import ActionState
from db.connecting import connectors
from db.connecting.connectors import Backfill, ConnectorKind, Mode, Wanted
from db.deciding import by_hand, decisions
from db.questions import saving
from db.rows import PairStatus
from db.tables.questions import Question
from db.tenants import forums
from db.work.rows import Lane
from tests.rows.factories import make_forum, new_question
from tests.servers.api_service import NotingQueue
from tests.servers.live_server import serving
from tests.unit.worker.connectors.test_shapes import topic
from worker.connectors.carrier import Carrier

Factory = sessionmaker[Session]


class Forum:
    """A forum with topics, as far as a connector sees it."""

    def __init__(self) -> None:
        self.topics: dict[int, dict[str, Any]] = {
            number: topic(id=number, title=f"How do I boil egg {number}?", tags=["eggs"])
            for number in range(1, 8)
        }
        self.posts: list[dict[str, Any]] = []
        self.messages: list[tuple[str, str]] = []
        self.takes_no_messages = False
        self.calls: list[str] = []
        self.refuses: int | None = None
        self.breaks_at: str | None = None

    def app(self) -> Starlette:
        routes = [
            Route("/t/-/{number:int}.json", self.change, methods=["PUT"]),
            Route("/t/{number:int}/status.json", self.status, methods=["PUT"]),
            Route("/t/{number:int}.json", self.show, methods=["GET"]),
            Route("/t/{number:int}/posts.json", self.more, methods=["GET"]),
            Route("/posts.json", self.post, methods=["POST"]),
            Route("/posts/{number:int}.json", self.delete, methods=["DELETE"]),
            Route("/latest.json", self.latest, methods=["GET"]),
        ]
        return Starlette(routes=routes)

    def _fault(self, request: Request) -> Response | None:
        assert request.headers["api-key"] == "key"
        assert request.headers["api-username"] == "robot"
        self.calls.append(f"{request.method} {request.url.path}")
        if self.breaks_at is not None and self.breaks_at in self.calls[-1]:
            return JSONResponse({"errors": ["no"]}, 502)
        if self.refuses is not None:
            return JSONResponse({}, self.refuses, headers={"Retry-After": "30"})
        return None

    async def show(self, request: Request) -> Response:
        if (fault := self._fault(request)) is not None:
            return fault
        found = self.topics.get(request.path_params["number"])
        if found is None:
            return JSONResponse({"errors": ["not found"]}, 404)
        own = [one for one in self.posts if one["topic_id"] == found["id"]]
        first = {"id": 10_000 + found["id"], "post_number": 1, "raw": "text", "username": "rosa"}
        posts = [first, *own]
        stream = {"posts": posts[:20], "stream": [one["id"] for one in posts]}
        details = {"created_by": {"id": 7, "username": "rosa"}}
        return JSONResponse({**found, "post_stream": stream, "details": details})

    async def more(self, request: Request) -> Response:
        if (fault := self._fault(request)) is not None:
            return fault
        wanted = {int(one) for one in request.query_params.getlist("post_ids[]")}
        assert 0 < len(wanted) <= 20
        found = [one for one in self.posts if one["id"] in wanted]
        return JSONResponse({"post_stream": {"posts": found}})

    async def status(self, request: Request) -> Response:
        if (fault := self._fault(request)) is not None:
            return fault
        form = await request.form()
        assert form["status"] == "closed"
        self.topics[request.path_params["number"]]["closed"] = form["enabled"] == "true"
        return JSONResponse({"success": "OK"})

    async def change(self, request: Request) -> Response:
        if (fault := self._fault(request)) is not None:
            return fault
        tags = (await request.form()).getlist("tags[]")
        self.topics[request.path_params["number"]]["tags"] = [one for one in tags if one]
        return JSONResponse({"basic_topic": {}})

    async def post(self, request: Request) -> Response:
        if (fault := self._fault(request)) is not None:
            return fault
        form = await request.form()
        if form.get("archetype") == "private_message":
            if self.takes_no_messages:
                return JSONResponse({"errors": ["this user takes no messages"]}, 422)
            self.messages.append((str(form["target_recipients"]), str(form["raw"])))
            assert form["title"]
            return JSONResponse({"id": 1})
        number = len(self.posts) + 100
        self.posts.append(
            {
                "id": number,
                "post_number": number,
                "topic_id": int(str(form["topic_id"])),
                "raw": str(form["raw"]),
                "username": "robot",
                "whisper": form.get("whisper") == "true",
            }
        )
        return JSONResponse(self.posts[-1])

    async def delete(self, request: Request) -> Response:
        if (fault := self._fault(request)) is not None:
            return fault
        self.posts = [one for one in self.posts if one["id"] != request.path_params["number"]]
        return Response()

    async def latest(self, request: Request) -> Response:
        if (fault := self._fault(request)) is not None:
            return fault
        size, page = 3, int(request.query_params["page"])
        found = list(self.topics.values())[size * page : size * (page + 1)]
        more = "/latest?page=9" if size * (page + 1) < len(self.topics) else None
        private = topic(id=900 + page, archetype="private_message")
        listed = {"topics": [*found, private], "per_page": size}
        if more:
            listed["more_topics_url"] = more
        return JSONResponse({"topic_list": listed})


@pytest.fixture
def forum() -> Forum:
    return Forum()


@pytest.fixture
def carrier(sessions: Factory, forum: Forum) -> Iterator[Carrier]:
    with serving(forum.app()) as address:
        with sessions.begin() as session:
            row = make_forum(session)
            connectors.put(
                session,
                row.id,
                Wanted(
                    kind=ConnectorKind.DISCOURSE,
                    url=address,
                    api_key="key",
                    api_user="robot",
                    tag="duplicate",
                    paths={},
                ),
            )
            items = [new_question(f"egg {n}", external_id=str(n)) for n in (1, 2, 77)]
            saving.save(session, row, items, lane=Lane.LIVE)
        yield Carrier(
            sessions, NotingQueue(), allow_private=True, public_url="https://duplicates.example"
        )


def confirm(sessions: Factory, one: str = "1", other: str = "2") -> int:
    with sessions.begin() as session:
        forum = forums.get_forum(session, "cooks")
        done = by_hand.decide(
            session,
            forum.id,
            (one, other),
            PairStatus.DUPLICATE,
            actor="ana",
            canonical=one,
        )
        return done.id


def states(sessions: Factory) -> list[tuple[str, str | None]]:
    with sessions.begin() as session:
        found = actions.list_actions(
            session,
            forums.get_forum(session, "cooks").id,
            where=ActionFilter(states=list(ActionState), is_due=False),
        )
    return [(one.state, one.reason) for one in found]


def test_a_duplicate_is_closed_with_a_link_and_a_tag_and_an_undo_takes_all_of_it_back(
    sessions: Factory, forum: Forum, carrier: Carrier
) -> None:
    decision = confirm(sessions)

    assert carrier.run() == 1
    closed = dict(forum.topics[2])
    (link,) = forum.posts
    with sessions.begin() as session:
        decisions.undo(session, forums.get_forum(session, "cooks").id, decision, actor="ana")
    assert carrier.run() == 1

    assert (closed["closed"], closed["tags"]) == (True, ["eggs", "duplicate"])
    assert link["topic_id"] == 2
    assert "/t/1" in link["raw"]
    assert "objections" not in link["raw"], "everybody reads it"
    ((name, message),) = forum.messages
    assert name == "rosa"
    assert "https://duplicates.example/objections/" in message
    assert (forum.topics[2]["closed"], forum.topics[2]["tags"]) == (False, ["eggs"])
    assert forum.posts == []
    assert [state for state, _ in states(sessions)] == ["applied", "applied"]
    assert carrier.run() == 0


def test_what_was_broken_off_is_begun_anew_and_writes_nothing_twice(
    sessions: Factory, forum: Forum, carrier: Carrier
) -> None:
    confirm(sessions)
    forum.breaks_at = "/status.json"
    assert carrier.run() == 0
    assert states(sessions) == [("open", None)]
    _end_rest(sessions)

    forum.breaks_at = None
    assert carrier.run() == 1

    assert len(forum.posts) == len(forum.messages) == 1
    assert forum.topics[2]["closed"] is True


def test_an_asker_who_takes_no_messages_stops_nothing(
    sessions: Factory, forum: Forum, carrier: Carrier
) -> None:
    forum.takes_no_messages = True
    confirm(sessions)

    assert carrier.run() == 1

    assert (len(forum.posts), forum.topics[2]["closed"]) == (1, True)


def test_in_a_long_topic_its_own_post_is_found_and_nobody_elses_is_deleted(
    sessions: Factory, forum: Forum, carrier: Carrier
) -> None:
    def post(number: int, raw: str) -> dict[str, Any]:
        own = {"id": number, "post_number": number, "topic_id": 2, "username": "rosa"}
        return {**own, "raw": raw, "whisper": False}

    forum.posts = [post(number, "boil it") for number in range(2, 60)]
    decision = confirm(sessions)
    forum.breaks_at = "/status.json"
    carrier.run()
    forum.breaks_at = None
    _end_rest(sessions)
    carrier.run()
    ours = [one for one in forum.posts if one["username"] == "robot"]
    copied = post(99, ours[0]["raw"])
    forum.posts.append(copied)
    with sessions.begin() as session:
        decisions.undo(session, forums.get_forum(session, "cooks").id, decision, actor="ana")
    carrier.run()

    assert len(ours) == 1
    assert [one["id"] for one in forum.posts] == [*range(2, 60), copied["id"]]


def _end_rest(sessions: Factory) -> None:
    with sessions.begin() as session:
        connectors.rest(session, forums.get_forum(session, "cooks").id, seconds=-1)


def test_staff_alone_is_told_where_nothing_else_is_wanted(
    sessions: Factory, forum: Forum, carrier: Carrier
) -> None:
    with sessions.begin() as session:
        row = connectors.get(session, forums.get_forum(session, "cooks").id)
        wanted = Wanted(kind=row.kind, url=row.url, api_user=row.api_user, mode=Mode.NOTE, paths={})
        connectors.put(session, row.forum_id, wanted)
    confirm(sessions)

    assert carrier.run() == 1

    assert [one["whisper"] for one in forum.posts] == [True]
    assert (forum.topics[2]["closed"], forum.topics[2]["tags"]) == (False, ["eggs"])


def test_a_refusal_fails_with_its_reason_and_a_rest_is_kept(
    sessions: Factory, forum: Forum, carrier: Carrier
) -> None:
    confirm(sessions, "1", "77")  # the forum has no topic 77
    carrier.run()
    assert states(sessions) == [("failed", "GET /t/77.json?include_raw=1: it answered 404")]

    forum.refuses = 429
    confirm(sessions)
    carrier.run()
    calls = len(forum.calls)
    carrier.run()

    assert len(forum.calls) == calls, "it asked for a rest"
    assert states(sessions)[-1] == ("open", None)


def test_old_topics_are_read_in_pages_and_private_ones_left_out(
    sessions: Factory, forum: Forum, carrier: Carrier
) -> None:
    with sessions.begin() as session:
        forum_id = forums.get_forum(session, "cooks").id
        connectors.begin_backfill(session, forum_id)
    forum.breaks_at = "never"

    carrier.run()

    with sessions.begin() as session:
        row = connectors.get(session, forum_id)
        found = session.execute(
            select(Question.external_id, Question.title, Question.body).order_by(Question.id)
        ).all()
    assert (row.backfill, row.page) == (Backfill.DONE, 3)
    assert {one.external_id for one in found} == {*map(str, range(1, 8)), "77"}
    assert ("5", "How do I boil egg 5?", "text") in [tuple(one) for one in found]


def test_a_backfill_goes_on_where_it_was_broken_off(sessions: Factory, carrier: Carrier) -> None:
    with sessions.begin() as session:
        forum_id = forums.get_forum(session, "cooks").id
        connectors.begin_backfill(session, forum_id)
        connectors.note_page(session, forum_id, 0, read=3, is_last=False)

    carrier.run()

    with sessions.begin() as session:
        assert connectors.get(session, forum_id).backfill is Backfill.DONE
        assert session.execute(select(Question).where(Question.external_id == "3")).all() == []
