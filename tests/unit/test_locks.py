"""The images' lock files hold what pyproject.toml asks for, and each file's digest."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "deploy" / "locks"
WANTED = {
    "api": ("api",),
    "worker": ("inference",),
    "export": ("worker", "models"),
    "gpu": ("worker", "models"),
    "otel": ("otel",),
}
_ENTRY = re.compile(r"^([a-z0-9][\w.-]*)==([\w.+!-]+)", re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    return dict(_ENTRY.findall((LOCKS / f"{name}.txt").read_text("utf-8")))


def asked_for(extras: tuple[str, ...]) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = list(project["dependencies"])
    waiting = list(extras)
    while waiting:
        for line in project["optional-dependencies"][waiting.pop()]:
            found = Requirement(line)
            if found.name == "askedbefore":
                waiting += found.extras
            else:
                lines.append(line)
    wanted = map(Requirement, lines)
    return [one for one in wanted if not one.marker or one.marker.evaluate()]


@pytest.mark.parametrize("name", WANTED)
def test_a_lock_holds_what_is_asked_for(name: str) -> None:
    held = locked(name)

    for one in asked_for(WANTED[name]):
        version = held.get(canonicalize_name(one.name))
        assert version is not None, f"{one.name}: run `make locks`"
        assert one.specifier.contains(version, prereleases=True), f"{one}: run `make locks`"


@pytest.mark.parametrize("name", [*WANTED, "build"])
def test_each_library_has_the_digests_of_its_files(name: str) -> None:
    entries = re.split(
        r"^(?=[a-z0-9])", (LOCKS / f"{name}.txt").read_text("utf-8"), flags=re.MULTILINE
    )

    assert [one for one in entries if one.strip() and "--hash=sha256:" not in one] == []


def test_the_images_of_the_api_and_of_a_worker_on_the_cpu_hold_no_pytorch() -> None:
    heavy = {"torch", "transformers", "sentence-transformers", "scikit-learn"}

    assert heavy.isdisjoint(locked("api"))
    assert heavy.isdisjoint(locked("worker"))
    assert heavy <= set(locked("gpu"))


def test_no_library_that_is_imported_comes_only_by_way_of_another() -> None:
    named = {canonicalize_name(one.name) for one in asked_for(("embedded", "train"))}

    assert {"numpy", "pyarrow", "tokenizers", "huggingface-hub", "argon2-cffi"} <= named
    assert requires("askedbefore") is not None
