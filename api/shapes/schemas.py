"""Request bodies, strict and cleaned, and the answers of the API."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SkipValidation,
    StrictBool,
    StrictInt,
    StrictStr,
    WithJsonSchema,
)

from api.http.problems import FieldProblem
from db.questions.rows import NO_FACTS, Facts, Outcome, State
from db.rows import PairKind, PairStatus
from worker.text import intake

BATCH_SIZE = 1_000

ExternalId = Annotated[
    StrictStr,
    AfterValidator(intake.id_of),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": intake.ID_LENGTH}),
    Field(description="The forum's own id: printable characters", examples=["q-1042"]),
]
_Title = Annotated[
    StrictStr,
    AfterValidator(intake.title_of),
    WithJsonSchema({"type": "string", "minLength": 1}),
    Field(
        description=f"1 to {intake.TITLE_LENGTH:,} characters, after spaces are joined and control"
        " characters removed",
        examples=["How do I get good at programming?"],
    ),
]
_Body = Annotated[
    StrictStr,
    AfterValidator(intake.body_of),
    WithJsonSchema({"type": "string"}),
    Field(description="The rest of the post as plain text; at most 100,000 characters, cleaned"),
]
_Label = Annotated[
    StrictStr | None,
    AfterValidator(intake.label_of),
    WithJsonSchema({"type": ["string", "null"]}),
    Field(description="At most 200 characters, cleaned"),
]
_Url = Annotated[
    StrictStr | None,
    AfterValidator(intake.url_of),
    WithJsonSchema({"type": ["string", "null"]}),
    Field(
        description="Where people read it: http or https, at most 2,000 characters",
        examples=["https://forum.example/questions/1042"],
    ),
]
_AskedAt = Annotated[
    datetime | None,
    BeforeValidator(intake.parse_instant),
    AfterValidator(intake.instant_of),
    WithJsonSchema({"type": ["string", "null"], "format": "date-time"}),
    Field(description="When it was asked: date and time with a time zone, from 1990 to now"),
]


def _checked(check: Callable[[Any], Any], schema: Mapping[str, Any], said: str) -> Any:
    return (AfterValidator(check), WithJsonSchema(dict(schema)), Field(description=said))


_Count = Annotated[
    StrictInt | None,
    *_checked(intake.count_of, {"type": ["integer", "null"], "minimum": 0}, "As the forum counts"),
]
_Votes = Annotated[
    StrictInt | None,
    *_checked(intake.votes_of, {"type": ["integer", "null"]}, "Up minus down; may be negative"),
]
_Tags = Annotated[
    tuple[StrictStr, ...],
    BeforeValidator(lambda tags: tuple(tags) if isinstance(tags, list) else tags),
    *_checked(
        intake.tags_of,
        {"type": "array", "items": {"type": "string"}, "maxItems": intake.TAGS},
        f"At most {intake.TAGS}, each of at most 200 characters",
    ),
]
_Language = Annotated[
    StrictStr | None,
    *_checked(intake.language_of, {"type": ["string", "null"]}, "Such as `en` or `pt-BR`"),
]
_Accepted = Annotated[
    StrictBool | StrictStr | StrictInt | None,
    AfterValidator(lambda told: intake.label_of(told) if isinstance(told, str) else told),
    Field(
        description="Whether an answer is accepted, or the forum's id of that answer: at most 200"
        " characters, cleaned"
    ),
]
_UpdatedAt = Annotated[
    datetime | None,
    BeforeValidator(intake.parse_instant),
    AfterValidator(intake.instant_of),
    WithJsonSchema({"type": ["string", "null"], "format": "date-time"}),
    Field(
        description="When the forum last changed it; a version older than the stored one is refused"
    ),
]
Version = Annotated[
    int | None,
    Field(
        ge=0,
        le=intake.MOST,
        description="Grows with each change in the forum; it is compared before `updated_at`",
    ),
]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class QuestionIn(_In):
    """A question as its forum sends it."""

    title: _Title
    body: _Body = ""
    url: _Url = None
    category: _Label = None
    author: _Label = None
    asked_at: _AskedAt = None
    visible: StrictBool = Field(
        default=True, description="Whether it may be offered as a duplicate of another question"
    )
    answers: _Count = None
    accepted: _Accepted = None
    views: _Count = None
    votes: _Votes = None
    tags: _Tags = ()
    closed: StrictBool | None = None
    language: _Language = None
    updated_at: _UpdatedAt = None
    version: Version = None

    def submission(self, external_id: str) -> intake.Submission:
        """Return it as the service stores it."""
        fields = {name: getattr(self, name) for name in _SUBMITTED}
        return intake.Submission(external_id=external_id, facts=self._facts(), **fields)

    def _facts(self) -> Facts:
        if self.model_fields_set.isdisjoint(_BESIDE):
            return NO_FACTS
        is_flag = self.accepted is None or isinstance(self.accepted, bool)
        facts = Facts(
            accepted=self.accepted if isinstance(self.accepted, bool) else None,
            accepted_answer=None if is_flag else str(self.accepted),
            **{name: getattr(self, name) for name in _COUNTED},
        )
        return facts if facts != NO_FACTS else NO_FACTS


_COUNTED = ("answers", "views", "votes", "tags", "closed", "language")
_BESIDE = frozenset({*_COUNTED, "accepted"})
_SUBMITTED = tuple(name for name in QuestionIn.model_fields if name not in _BESIDE)


class BatchItemIn(QuestionIn):
    """One question of a batch."""

    id: ExternalId


class BatchIn(_In):
    """Questions sent together; each is checked for errors by itself."""

    questions: Annotated[
        list[SkipValidation[BatchItemIn]], Field(min_length=1, max_length=BATCH_SIZE)
    ]


class CheckIn(_In):
    """A text that is compared and not stored."""

    title: _Title
    body: _Body = ""


class ModelsOut(_Out):
    """The models that scored a pair."""

    bi_encoder: str | None
    reranker: str | None


class ScoresOut(_Out):
    """The CrossEncoder's logits for both orders; null if an order was not needed."""

    forward: float | None = Field(description="With the new question first")
    backward: float | None


class CheckedOut(_Out):
    """A stored question that asks the same."""

    id: str
    title: str
    url: str | None
    score: Annotated[float, Field(ge=0, le=1, description="Probability that both ask the same")]
    cosine: float | None
    kind: PairKind = Field(description="`same_text` needed no model")


class DuplicateOut(CheckedOut):
    """A flagged or confirmed duplicate of a stored question."""

    pair_id: str
    status: PairStatus
    threshold: float
    scores: ScoresOut
    models: ModelsOut
    flagged_at: datetime


class QuestionOut(_Out):
    """A stored question, its state and its duplicates."""

    id: str
    forum: str
    state: State = Field(
        description="`pending` until a worker has checked it, or its archive is mined"
    )
    status_url: str
    title: str
    body: str
    url: str | None
    category: str | None
    author: str | None
    asked_at: datetime | None
    visible: bool
    answers: int | None
    accepted: bool | None = Field(description="Whether one of its answers is accepted")
    accepted_answer: str | None = Field(description="The forum's id of that answer")
    views: int | None
    votes: int | None
    tags: list[str]
    closed: bool | None
    language: str | None
    edited_at: datetime | None = Field(description="`updated_at` as the forum sent it")
    version: int | None
    text_fields: str = Field(description="What the models read: `title` or `title_body`")
    threshold: float | None = Field(description="Probability from which pairs were flagged")
    models: ModelsOut
    duplicates: list[DuplicateOut] = Field(description="At most ten, the highest score first")
    warnings: list[str]
    error: str | None = Field(description="Why the last attempt failed")
    attempts: int
    created_at: datetime
    updated_at: datetime
    checked_at: datetime | None


class BatchItemOut(_Out):
    """The result of one question of a batch."""

    index: int
    id: str | None
    outcome: Outcome | None = Field(description="Null if the question was refused")
    status_url: str | None
    errors: list[FieldProblem] = Field(description="Why it was refused")


class BatchOut(_Out):
    """The result of each question of a batch, in the order sent."""

    items: list[BatchItemOut]
    enqueued: int = Field(description="Questions that a worker will check")
    rejected: int


class ForumOut(_Out):
    """A forum and how many of its questions wait."""

    name: str
    title: str
    text_fields: str
    threshold: float | None = Field(description="Null: the reranker's own")
    observe_only: bool
    pending: int = Field(description="Questions not checked yet; counted up to 100,000")
    pending_limit: int


class PairQuestionOut(_Out):
    """One side of a pair."""

    id: str
    title: str


class PairOut(_Out):
    """Two questions that were flagged, observed or decided on."""

    id: str
    kind: PairKind
    status: PairStatus
    score: float
    cosine: float | None
    threshold: float
    version: int = Field(description="Grows with every change; a decision must name it")
    questions: tuple[PairQuestionOut, PairQuestionOut]
    flagged_at: datetime
    decided_at: datetime | None
    updated_at: datetime | None = Field(description="When it last changed")


class PairsOut(_Out):
    """A page of pairs, and the cursor of the next page."""

    pairs: list[PairOut]
    next_cursor: str | None


class SuggestedOut(CheckedOut):
    """A question to suggest to the asker."""

    answers: int | None = Field(description="How many it has, if the forum said so")
    accepted: bool | None = Field(description="Whether one of them is accepted")


class CheckOut(_Out):
    """Whether this was asked before."""

    check_id: str = Field(description="For `outcomes`, within a week; it means nothing to people")
    duplicates: list[SuggestedOut]
    threshold: float
    models: ModelsOut
    warnings: list[str]


class CheckResult(_Out):
    """One part of the service and whether it works."""

    ok: bool
    detail: str


class HealthOut(_Out):
    """Whether the service can do its work."""

    status: str
    checks: dict[str, CheckResult] = {}


class AuthorOut(_Out):
    """All questions of one author."""

    author: str
    kept_as: str | None
    """What the forum keeps in place of the name now."""
    questions: list[QuestionOut]


class AuthorErasedOut(_Out):
    """What was erased of an author."""

    names: int
    questions: int
