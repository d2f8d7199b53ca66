"""Reviewing for a forum's own backend: claims, decisions, undo, groups."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr
from starlette.responses import Response

from api.deps import Caller, ReviewForum, Sessions, only_json
from api.http.conflicts import review_problem
from api.http.openapi import conflict
from api.http.texts import CheckedRoute
from api.http.traced import follow_flags
from api.shapes.schemas import ExternalId
from db.deciding import decisions
from db.deciding.decisions import NOTE_LENGTH, StaleVersionError, Verdict
from db.faq import ranking
from db.faq.ranking import RankedGroup, Ranking, Scope
from db.groups import groups
from db.groups.groups import GroupDetail, GroupRow, WouldMergeError
from db.questions import questions
from db.review import attention
from db.rows import NOBODY, PairStatus

_ID_DIGITS = 18
_ID = rf"^[1-9]\d{{0,{_ID_DIGITS - 1}}}$"
_LONGEST_WINDOW_H = 24 * 366


class ReviewRoute(CheckedRoute):
    """A route whose conflicts are answered with both versions."""

    def get_route_handler(self) -> Any:
        """Return the handler, with the answers to conflicts around it."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except (StaleVersionError, WouldMergeError) as error:
                return review_problem(error)

        return handle


router = APIRouter(prefix="/v1/forums/{forum}", tags=["review"], route_class=ReviewRoute)

_CONFLICT = conflict("It changed meanwhile, or would join two groups")
_Id = Annotated[str, Path(pattern=rf"^[1-9]\d{{0,{_ID_DIGITS - 1}}}$")]


def _person(name: str) -> str:
    if name.strip().lower() in NOBODY:
        raise ValueError(f"{name!r} is the name of the service itself: name a person")
    return name


Moderator = Annotated[
    StrictStr,
    Field(min_length=1, max_length=60, description="The moderator's name in your forum"),
    AfterValidator(_person),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class ClaimIn(_In):
    """Who looks at the pair, and for how long."""

    moderator: Moderator
    minutes: Annotated[StrictInt, Field(ge=1, le=60)] = 5


class ClaimOut(_Out):
    """Who has claimed the pair; another name means that they were first."""

    holder: str
    expires_at: datetime


class DecisionIn(_In):
    """A decision on the version of a pair that the moderator saw."""

    moderator: Moderator
    decision: PairStatus = Field(
        strict=False, description="`duplicate`, `not_duplicate` or `related`"
    )
    version: Annotated[StrictInt, Field(ge=1)]
    canonical: ExternalId | None = Field(
        default=None, description="If it is a duplicate: the canonical question"
    )
    note: Annotated[StrictStr, Field(max_length=NOTE_LENGTH)] = ""
    merge: StrictBool = Field(default=False, description="Whether two groups may be joined")


class DecisionOut(_Out):
    """A saved decision; its id is needed to undo it."""

    id: str
    pair_id: str
    status: PairStatus
    version: int
    group_id: str | None


class UndoIn(_In):
    """Which decision to undo: that with the id, or the moderator's latest on this pair."""

    moderator: Moderator
    decision_id: Annotated[StrictStr, Field(pattern=rf"^[1-9]\d{{0,{_ID_DIGITS - 1}}}$")] | None = (
        None
    )


class MemberOut(_Out):
    """A question of a group."""

    id: str
    title: str
    url: str | None
    canonical: bool


class GroupOut(_Out):
    """Questions that ask the same; the canonical one comes first."""

    id: str
    questions: list[MemberOut]


class GroupSummaryOut(_Out):
    """A group in a list."""

    id: str
    title: str
    size: int
    to_review: int
    updated_at: datetime
    grown: int | None = Field(default=None, description="By size or growth: asked in the window")
    last_asked_at: datetime | None = None

    @classmethod
    def of(cls, row: GroupRow | RankedGroup) -> Self:
        """Return a group of a list as the API shows it."""
        ranked = row if isinstance(row, RankedGroup) else None
        return cls(
            id=str(row.id),
            title=row.canonical_title,
            size=row.size,
            to_review=row.to_review,
            updated_at=row.updated_at,
            grown=ranked.grown if ranked is not None else None,
            last_asked_at=ranked.last_asked_at if ranked is not None else None,
        )


class GroupsOut(_Out):
    """A forum's groups, in the order that was asked for."""

    groups: list[GroupSummaryOut]


@router.post("/pairs/{pair_id}/claim", dependencies=[Depends(only_json)])
def claim(forum: ReviewForum, sessions: Sessions, pair_id: _Id, body: ClaimIn) -> ClaimOut:
    """Note that somebody looks at a pair; this locks nothing and ends by itself."""
    with sessions.begin() as session:
        held = attention.claim(
            session,
            forum.id,
            [int(pair_id)],
            holder=body.moderator,
            lifetime=timedelta(minutes=body.minutes),
        )
    return ClaimOut(holder=held.holder, expires_at=held.expires_at)


@router.post("/pairs/{pair_id}/decision", dependencies=[Depends(only_json)], responses=_CONFLICT)
def decide(forum: ReviewForum, sessions: Sessions, pair_id: _Id, body: DecisionIn) -> DecisionOut:
    """Save a moderator's decision.

    The answer is 409 with both versions if the pair has changed since the moderator saw it, and 409
    with both groups if the decision would join two groups without `merge`.
    """
    with sessions.begin() as session:
        canonical = (
            questions.get(session, forum.id, body.canonical).id
            if body.canonical is not None
            else None
        )
        verdict = Verdict(
            status=body.decision,
            version=body.version,
            canonical_id=canonical,
            note=body.note,
            merge=body.merge,
        )
        done = decisions.decide(session, forum.id, int(pair_id), verdict, actor=body.moderator)
        follow_flags(session, [int(pair_id)])
    return decision_out(done)


def decision_out(done: decisions.Decided) -> DecisionOut:
    """Return a saved decision as the API shows it."""
    return DecisionOut(
        id=str(done.id),
        pair_id=str(done.pair_id),
        status=done.status,
        version=done.version,
        group_id=str(done.group_id) if done.group_id is not None else None,
    )


@router.post("/pairs/{pair_id}/undo", dependencies=[Depends(only_json)], responses=_CONFLICT)
def undo(
    forum: ReviewForum, caller: Caller, sessions: Sessions, pair_id: _Id, body: UndoIn
) -> DecisionOut:
    """Undo a decision; the pair is again as it was before."""
    with sessions.begin() as session:
        decision_id = (
            int(body.decision_id)
            if body.decision_id is not None
            else decisions.get_last_decision(session, forum.id, int(pair_id))
        )
        done = decisions.undo(
            session,
            forum.id,
            decision_id,
            actor=body.moderator,
            is_admin="admin" in caller.key.scopes,
            pair_id=int(pair_id),
        )
    return decision_out(done)


class GroupsQuery(BaseModel):
    """Which groups, in which order, how many."""

    sort: Literal["changed", "size", "growth"] = Field(
        default="changed", description="`growth`: by how many were asked within `window_hours`"
    )
    window_hours: float = Field(default=168, gt=0, le=_LONGEST_WINDOW_H, allow_inf_nan=False)
    days: int | None = Field(
        default=None,
        ge=1,
        le=36_600,
        description="By size or growth: count only questions asked since then",
    )
    category: str | None = Field(default=None, max_length=200, description="The same")
    author: str | None = Field(default=None, max_length=200, description="The same")
    before: str | None = Field(
        default=None, pattern=_ID, description="Id of the last group of the page before"
    )
    limit: int = Field(default=50, ge=1, le=200)


@router.get("/groups")
def list_groups(
    forum: ReviewForum, sessions: Sessions, query: Annotated[GroupsQuery, Query()]
) -> GroupsOut:
    """Return the forum's groups: the last changed first, or the most asked, or the fastest growing.

    `before` is the id of the last one of the page before.
    """
    before = int(query.before) if query.before else None
    with sessions.begin() as session:
        if query.sort == "changed":
            rows = groups.list_groups(session, forum.id, before=before, limit=query.limit)
            return GroupsOut(groups=[GroupSummaryOut.of(row) for row in rows])
        ranked = ranking.ranked(
            session,
            forum.id,
            Ranking(query.sort),
            window_s=query.window_hours * 3_600,
            scope=Scope(days=query.days, category=query.category, author=query.author),
            before=before,
            limit=query.limit,
        )
    return GroupsOut(groups=[GroupSummaryOut.of(row) for row in ranked])


@router.get("/groups/{group_id}")
def get_group(forum: ReviewForum, sessions: Sessions, group_id: _Id) -> GroupOut:
    """Return a group with its questions."""
    with sessions.begin() as session:
        return _group_out(groups.get_group(session, forum.id, int(group_id)))


class CanonicalIn(_In):
    """Which question of a group is canonical."""

    moderator: Moderator
    question: ExternalId


@router.put("/groups/{group_id}/canonical", dependencies=[Depends(only_json)])
def choose_canonical(
    forum: ReviewForum, sessions: Sessions, group_id: _Id, body: CanonicalIn
) -> GroupOut:
    """Choose the canonical question of a group."""
    with sessions.begin() as session:
        question = questions.get(session, forum.id, body.question)
        groups.choose_canonical(session, forum.id, int(group_id), question.id, actor=body.moderator)
        return _group_out(groups.get_group(session, forum.id, int(group_id)))


def _group_out(group: GroupDetail) -> GroupOut:
    return GroupOut(
        id=str(group.id),
        questions=[
            MemberOut(
                id=member.external_id,
                title=member.title,
                url=member.url,
                canonical=member.is_canonical,
            )
            for member in group.members
        ],
    )
