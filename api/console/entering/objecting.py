"""The page on which an asker objects. Its address gives the right to do so, for one question."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.responses import Response

from api.console.entering.access import ConsoleRoute
from api.console.rendering.render import page
from api.deps import Sessions
from db.acting import objections
from db.acting.objections import ObjectedAlreadyError
from db.actions import actions
from db.actions.vetoes import REASON_LENGTH
from db.errors import NotFoundError

router = APIRouter(
    prefix="/objections", route_class=ConsoleRoute, include_in_schema=False, tags=["console"]
)


class NowhereError(NotFoundError):
    """This address leads nowhere: the question may have been erased."""


@router.get("/{token}")
def ask(token: str, sessions: Sessions) -> Response:
    """Show what was decided about the asker's question, and what they may do."""
    with sessions.begin() as session:
        found = actions.find_by_token(session, token)
    if found is None:
        raise NowhereError
    return page("objection.html", action=found[2], done=False, longest=REASON_LENGTH)


@router.post("/{token}")
def object_to(
    token: str, sessions: Sessions, reason: Annotated[str, Form(max_length=REASON_LENGTH)] = ""
) -> Response:
    """Take the objection; the same again changes nothing."""
    with sessions.begin() as session:
        found = actions.find_by_token(session, token)
        if found is None:
            raise NowhereError
        try:
            with session.begin_nested():
                objections.object_to(session, token, reason=reason)
        except ObjectedAlreadyError:  # the form was sent twice, or a moderator was first
            pass
    return page(
        "objection.html", status=HTTPStatus.OK, action=found[2], done=True, longest=REASON_LENGTH
    )
