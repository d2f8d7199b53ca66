"""The API of a test: the real application with the test's database and a fake queue."""

from collections.abc import Callable, Iterator, Mapping

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from api.settings import ApiSettings
from db.errors import TransientError
from db.tenants import forums, keys
from db.work.rows import Lane
from worker.queue import CheckAnswer, CheckRequest, Queue

Factory = sessionmaker[Session]


class NotingQueue:
    """Records the calls of the queue. Each wake-up runs *work*."""

    def __init__(self, work: Callable[[], object] | None = None) -> None:
        self.woken: list[Lane] = []
        self.asked: list[CheckRequest] = []
        self.answer: CheckAnswer | None = None
        self.is_up = True
        self.meter: dict[tuple[str, ...], float] = {}
        self.work = work

    def wake(self, lane: Lane) -> bool:
        self.woken.append(lane)
        if self.work is not None:
            self.work()
        return self.is_up

    def check(self, request: CheckRequest, *, timeout_s: float) -> CheckAnswer:
        self.asked.append(request)
        self.timeout_s = timeout_s
        if self.answer is None:
            raise TransientError("no worker answered in time; try again", retry_after_s=2)
        return self.answer

    def finished(self) -> Iterator[list[int]]:
        return iter(())

    def measured(self) -> Mapping[tuple[str, ...], float]:
        return self.meter

    def ping(self) -> None:
        if not self.is_up:
            raise TransientError("the queue is away")


def make_settings(**changes: object) -> ApiSettings:
    fixed = {"redis_url": "redis://localhost/0", "secret_key": "0123456789abcdef" * 2}
    return ApiSettings.model_validate(
        {**fixed, "access_cache_s": 0, "pending_cache_s": 0, **changes}
    )


def make_key(sessions: Factory, *names: str, scopes: tuple[str, ...] = ("submit",)) -> str:
    with sessions.begin() as session:
        ids = [forums.ensure_forum(session, name).id for name in names]
        return keys.create_key(session, name="test", forum_ids=ids, scopes=scopes)


def make_client(
    sessions: Factory, key: str | None, *, queue: Queue | None = None, **settings: object
) -> TestClient:
    app = create_app(make_settings(**settings), sessions, queue or NotingQueue())
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return TestClient(app, headers=headers, raise_server_exceptions=False)
