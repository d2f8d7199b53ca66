"""A Django forum in this process, and the real API of a service with one forum for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from tests.servers.api_service import NotingQueue, make_key, make_settings
from tests.servers.live_server import serving

Factory = sessionmaker[Session]
FORUM = "board"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
_BOARD = "tests.integration.askedbefore_django.board"


def given(**changes: object) -> dict[str, object]:
    """Return ``ASKEDBEFORE`` of the forum."""
    fixed: dict[str, object] = {
        "URL": "http://127.0.0.1:9",
        "FORUM": FORUM,
        "KEY": "ab_none",
        "PUBLIC_KEY": "ab_public",
        "SITE_URL": "https://board.example/",
        "SOURCES": [f"{_BOARD}.connected.Topics"],
        "WEBHOOK_SECRET": SECRET,
    }
    return {**fixed, **changes}


@pytest.fixture(scope="session")
def board(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Set Django up once, with a database in a file."""
    folder: Path = tmp_path_factory.mktemp("board")
    settings.configure(
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "board.db")}
        },
        INSTALLED_APPS=[_BOARD, "django.contrib.contenttypes", "askedbefore_django"],
        MIDDLEWARE=["askedbefore_django.middleware.AskBoxMiddleware"],
        TEMPLATES=[
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}
        ],
        ROOT_URLCONF=f"{_BOARD}.urls",
        ALLOWED_HOSTS=["*"],
        USE_TZ=True,
        SECRET_KEY="of the tests",  # noqa: S106
        ASKEDBEFORE=given(),
    )
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415  # Django is set up now

    call_command("migrate", run_syncdb=True, verbosity=0)


@pytest.fixture
def forum(board: None) -> Iterator[Any]:  # noqa: ARG001  # it is set up
    """The models of the forum, without rows; the service is away."""
    from askedbefore_django.models import Change, Done, Mark  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415

    from tests.integration.askedbefore_django.board import models  # noqa: PLC0415

    for model in (models.Edition, models.Topic, Done, Mark, Change):
        model.objects.all().delete()
    settings.ASKEDBEFORE = given()
    yield models
    connection.close()


@pytest.fixture
def queue() -> NotingQueue:
    return NotingQueue()


@pytest.fixture
def service(committed: Factory, queue: NotingQueue, forum: Any) -> Iterator[str]:
    """The service, which the forum's settings now name."""
    assert forum
    with serving(create_app(make_settings(), committed, queue)) as url:
        settings.ASKEDBEFORE = given(URL=url, KEY=make_key(committed, FORUM))
        yield url
