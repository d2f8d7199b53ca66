"""Records as the database returns them, for tests that need no database."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from db.pairs.rows import Duplicate, PairRow
from db.questions.rows import QuestionRow, State
from db.review.insight import Judged
from db.rows import WHOLE_FORUM, PairKind, PairStatus, Rung
from db.tenants.people import PersonRow, Role
from db.tenants.rows import AuthorNames, ForumRow, KeyRow

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def forum_row(name: str = "cooks", **changes: Any) -> ForumRow:
    values: dict[str, Any] = {
        "id": 1,
        "name": name,
        "title": name.title(),
        "text_fields": "title",
        "threshold": None,
        "observe_only": False,
        "pending_limit": 1_000,
        "canonical_by": "answers",
        "calibration": None,
        "rung": Rung.QUEUE,
        "grace_h": 48.0,
        "wanted_precision": 0.98,
        "act_threshold": None,
        "scope": WHOLE_FORUM,
        "author_names": AuthorNames.KEPT,
        "author_salt": UUID(int=7),
    }
    kept = {one.name: None for one in fields(ForumRow) if one.name.startswith("keep_")}
    return ForumRow(**{**values, **kept, **changes})


def question_row(external_id: str = "1", **changes: Any) -> QuestionRow:
    values: dict[str, Any] = {
        "id": 7,
        "external_id": external_id,
        "title": "How do I boil an egg?",
        "body": "",
        "url": None,
        "category": None,
        "author": None,
        "asked_at": None,
        "created_at": NOON,
        "visible": True,
        "facts": None,
        "foreign_share": 0.0,
        "forum_id": 1,
        "edited_at": None,
        "revision": None,
        "text_fields": "title",
        "text_version": 1,
        "threshold": 0.5,
        "bi_encoder": "encoder",
        "reranker": "reranker",
        "checked_at": NOON,
        "updated_at": NOON,
        "state": State.DONE,
        "error": None,
        "attempts": 0,
    }
    return QuestionRow(**{**values, **changes})


def pair_row(**changes: Any) -> PairRow:
    values: dict[str, Any] = {
        "id": 12,
        "low_id": 1,
        "high_id": 2,
        "low_external_id": "a",
        "high_external_id": "b",
        "low_title": "How do I boil an egg?",
        "high_title": "How to boil eggs?",
        "kind": PairKind.MODEL,
        "status": PairStatus.FLAGGED,
        "score": 0.9,
        "cosine": 0.8,
        "threshold": 0.5,
        "version": 1,
        "flagged_at": NOON,
        "decided_at": None,
        "changed_at": NOON,
    }
    return PairRow(**{**values, **changes})


def duplicate(**changes: Any) -> Duplicate:
    values: dict[str, Any] = {
        "pair_id": 12,
        "id": "2",
        "title": "How to boil eggs?",
        "url": None,
        "score": 0.9,
        "cosine": 0.8,
        "kind": PairKind.MODEL,
        "status": PairStatus.FLAGGED,
        "threshold": 0.5,
        "logit_forward": 2.0,
        "logit_backward": None,
        "bi_encoder": "encoder",
        "reranker": "reranker",
        "flagged_at": NOON,
    }
    return Duplicate(**{**values, **changes})


def key_row(*scopes: str, **changes: Any) -> KeyRow:
    values: dict[str, Any] = {
        "id": 3,
        "name": "test",
        "prefix": "ab_12345678",
        "scopes": frozenset(scopes),
        "forums": {"cooks": 1},
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
    }
    return KeyRow(**{**values, **changes})


def person_row(name: str = "Ana", **roles: Role) -> PersonRow:
    return PersonRow(id=5, name=name, roles=roles)


def judged(*found: tuple[float, bool]) -> list[Judged]:
    return [
        Judged(pair_id=n, score=score, is_duplicate=right) for n, (score, right) in enumerate(found)
    ]
