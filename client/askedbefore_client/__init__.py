"""Calls an askedbefore service: submits questions, asks checks, verifies webhooks."""

from askedbefore_client.asynchronous import AsyncClient
from askedbefore_client.calls import PairsQuery
from askedbefore_client.client import Client
from askedbefore_client.errors import (
    AccessError,
    AskedBeforeError,
    BusyError,
    ConflictError,
    FieldProblem,
    InvalidError,
    NoAnswerError,
    NotFoundError,
    ProblemError,
    SignatureError,
)
from askedbefore_client.results import (
    Action,
    Actions,
    BatchItem,
    Checked,
    Duplicate,
    Pair,
    PairQuestion,
    Pairs,
    Question,
    Stored,
)
from askedbefore_client.retry import Retry
from askedbefore_client.webhooks import Event, Webhook

__all__ = [
    "AccessError",
    "Action",
    "Actions",
    "AskedBeforeError",
    "AsyncClient",
    "BatchItem",
    "BusyError",
    "Checked",
    "Client",
    "ConflictError",
    "Duplicate",
    "Event",
    "FieldProblem",
    "InvalidError",
    "NoAnswerError",
    "NotFoundError",
    "Pair",
    "PairQuestion",
    "Pairs",
    "PairsQuery",
    "ProblemError",
    "Question",
    "Retry",
    "SignatureError",
    "Stored",
    "Webhook",
]
