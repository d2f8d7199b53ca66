"""Which models `askedbefore up` gives a data folder."""

from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from cli.running import up
from tests.integration.worker.adapting.test_calibrating import make_active
from worker.settings import Profile, WorkerSettings

Factory = sessionmaker[Session]


def settings(cache: Path, **given: str) -> WorkerSettings:
    return WorkerSettings.model_validate(
        {"redis_url": "redis://nowhere", "model_cache": cache, **given}
    )


def test_a_folder_with_models_keeps_them_and_says_so_where_another_profile_is_wanted(
    sessions: Factory, tmp_path: Path
) -> None:
    with sessions.begin() as session:
        make_active(session)
    told: list[str] = []

    silent = up._models_of(sessions, settings(tmp_path), None, told.append)  # noqa: SLF001
    wanted = up._models_of(sessions, settings(tmp_path), Profile.ACCURATE, told.append)  # noqa: SLF001

    assert silent == wanted == {}
    assert len(told) == 1
    assert "has its models already" in told[0]


def test_a_new_folder_takes_what_is_wanted(sessions: Factory, tmp_path: Path) -> None:
    told: list[str] = []

    fast = up._models_of(sessions, settings(tmp_path), Profile.FAST, told.append)  # noqa: SLF001
    own = up._models_of(  # noqa: SLF001
        sessions, settings(tmp_path, bi_encoder="mine"), None, told.append
    )

    assert fast == {"ASKEDBEFORE_PROFILE": "fast"}
    assert "Profile fast" in told[0]
    assert own.keys() == {"ASKEDBEFORE_PROFILE"}
    assert len(told) == 1  # models of one's own are not announced
