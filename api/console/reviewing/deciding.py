"""Decisions on whole entries, and answers to second opinions."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, RedirectResponse, Response

from api.console.entering.access import AReviewer, Console, ConsoleRoute, Reviewer
from api.deps import Sessions
from api.http.traced import follow_flags
from db.deciding import bulk, entry_decisions, opinions
from db.deciding.decisions import NOTE_LENGTH
from db.deciding.entry_decisions import EntryVerdict
from db.errors import InvalidInputError
from db.review import attention
from db.rows import PairStatus

_MOST_PAIRS = 200
_ID_DIGITS = 18

router = APIRouter(
    prefix="/console/{forum}", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)
_Ids = Annotated[str, Form(max_length=_MOST_PAIRS * (_ID_DIGITS + 1))]


def answer(
    request: Request, reviewer: Reviewer, data: dict[str, Any], *, path: str = "review"
) -> Response:
    """Answer a script with *data*; without a script, redirect to *path*."""
    if "text/html" in request.headers.get("accept", ""):
        target = f"/console/{reviewer.forum.name}/{path}"
        return RedirectResponse(target, HTTPStatus.SEE_OTHER)
    return JSONResponse(data)


def ids_of(text: str) -> list[int]:
    """Return the ids in *text*, at least one; raises `InvalidInputError`."""
    found = text.replace(",", " ").split()
    if not 0 < len(found) <= _MOST_PAIRS or not all(map(_is_id, found)):
        raise InvalidInputError("the ids of the pairs are missing: reload the page and try again")
    return [int(one) for one in found]


def versions_of(text: str) -> dict[int, int]:
    """Return the version of each pair in *text*, which has ``id:version`` and blanks.

    Raises `InvalidInputError`.
    """
    parts = [part.partition(":") for part in text.split()]
    # Of a part that is not whole, a dash stays: it is no id.
    ids, versions = (
        ids_of(" ".join(part[place].replace(",", "-") or "-" for part in parts)) for place in (0, 2)
    )
    return dict(zip(ids, versions, strict=True))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS


@router.post("/claim")
def claim(reviewer: AReviewer, sessions: Sessions, console: Console, pairs: _Ids) -> JSONResponse:
    """Claim these pairs for this person, and end their other claims."""
    ids = ids_of(pairs)
    with sessions.begin() as session:
        attention.release(session, reviewer.forum.id, holder=reviewer.name, keep=ids)
        held = attention.claim(
            session,
            reviewer.forum.id,
            ids,
            holder=reviewer.name,
            lifetime=console.claim_lifetime,
        )
    return JSONResponse({"holder": held.holder, "mine": held.holder == reviewer.name})


@router.post("/skip")
def skip(request: Request, reviewer: AReviewer, sessions: Sessions, pairs: _Ids) -> Response:
    """Hide pairs from this person for some hours."""
    ids = ids_of(pairs)
    with sessions.begin() as session:
        attention.skip(session, reviewer.forum.id, ids, holder=reviewer.name)
    return answer(request, reviewer, {"undo": f"/unskip?pairs={','.join(map(str, ids))}"})


@router.post("/unskip")
def unskip(
    request: Request, reviewer: AReviewer, sessions: Sessions, pairs: str | None = None
) -> Response:
    """Show some skipped pairs, or all, in the queue again."""
    with sessions.begin() as session:
        wanted = ids_of(pairs) if pairs is not None else None
        attention.unskip(session, reviewer.forum.id, holder=reviewer.name, pair_ids=wanted)
    return answer(request, reviewer, {})


class EntryForm(BaseModel):
    """The form of an entry."""

    status: PairStatus
    seen: Annotated[str, Form(max_length=2 * _MOST_PAIRS * (_ID_DIGITS + 1))]
    """The version of each pair: ``id:version`` and blanks."""
    keep: list[int] = []
    canonical: int | None = None
    note: Annotated[str, Form(max_length=NOTE_LENGTH)] = ""
    merge: bool = False


@router.post("/entries/decision")
def decide(
    request: Request,
    reviewer: AReviewer,
    sessions: Sessions,
    form: Annotated[EntryForm, Form()],
) -> Response:
    """Save one decision on all pairs of an entry."""
    seen = versions_of(form.seen)
    keep = frozenset(form.keep)
    verdict = EntryVerdict(
        status=form.status,
        seen=seen,
        keep=keep,
        canonical_id=form.canonical if form.canonical in keep else None,
        note=form.note,
        merge=form.merge,
    )
    with sessions.begin() as session:
        done = entry_decisions.decide(session, reviewer.forum.id, verdict, actor=reviewer.name)
        follow_flags(session, list(seen))
    return answer(request, reviewer, {"undo": f"/entries/{done.bulk}/undo", "done": done.done})


@router.post("/entries/{number}/undo")
def undo(request: Request, reviewer: AReviewer, sessions: Sessions, number: UUID) -> Response:
    """Undo the decision on an entry."""
    with sessions.begin() as session:
        done = bulk.undo_all(session, reviewer.forum.id, number, **reviewer.signature)
    return answer(request, reviewer, {"done": done.done, "left": done.left})


class OpinionForm(BaseModel):
    """The form of a second opinion."""

    status: PairStatus
    note: Annotated[str, Form(max_length=NOTE_LENGTH)] = ""


@router.post("/second/{opinion_id}/answer")
def give_opinion(
    request: Request,
    reviewer: AReviewer,
    form: Annotated[OpinionForm, Form()],
    sessions: Sessions,
    opinion_id: int,
) -> Response:
    """Save a second opinion; it does not change the first decision."""
    with sessions.begin() as session:
        opinions.answer(
            session,
            reviewer.forum.id,
            opinion_id,
            form.status,
            actor=reviewer.name,
            note=form.note,
        )
    return answer(request, reviewer, {"undo": f"/second/{opinion_id}/undo"})


@router.post("/second/{opinion_id}/undo")
def take_back(
    request: Request, reviewer: AReviewer, sessions: Sessions, opinion_id: int
) -> Response:
    """Undo a second opinion."""
    with sessions.begin() as session:
        opinions.take_back(session, reviewer.forum.id, opinion_id, actor=reviewer.name)
    return answer(request, reviewer, {}, path=f"second/{opinion_id}")


@router.post("/second/{opinion_id}/settle")
def settle(request: Request, reviewer: AReviewer, sessions: Sessions, opinion_id: int) -> Response:
    """Keep the first decision although a second opinion differs."""
    with sessions.begin() as session:
        opinions.settle(session, reviewer.forum.id, opinion_id, **reviewer.signature)
    return answer(request, reviewer, {}, path="history")
