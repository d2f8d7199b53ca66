"""What can be proved of the deployment files without a Docker engine."""

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator
from sqlalchemy.engine import make_url

from api.settings import ApiSettings
from db.settings import DatabaseSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "data" / "compose-spec.json"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<fallback>:[-?][^}]*)?\}")
SECRETS = ROOT / "deploy" / "compose" / "secrets.sh"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
SECRET = "p@ss/w:rd and more than 32 characters"  # noqa: S105  # of this test
OWN = ("migrate", "api", "worker-cpu", "worker-gpu", "beat", "models")
ALL = (*OWN, "postgres", "redis")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif isinstance(node, str):
        yield node


def test_follows_the_compose_specification(compose: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())

    errors = [error.message for error in Draft202012Validator(schema).iter_errors(compose)]

    assert errors == []


def test_the_specification_would_refuse_a_misspelt_key(compose: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    broken = compose | {"services": compose["services"] | {"api": {"helthcheck": {}}}}

    assert not Draft202012Validator(schema).is_valid(broken)


def test_everything_that_is_named_exists(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        mounts = {mount.split(":")[0] for mount in service.get("volumes", [])}
        assert mounts <= set(compose["volumes"])
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(services)


def test_a_service_is_waited_for_only_as_it_can_be(compose: dict[str, Any]) -> None:
    services = compose["services"]
    waits = [wait for s in services.values() for wait in s.get("depends_on", {}).items()]

    for name, wait in waits:
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in services[name]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert services[name]["restart"] == "no"


def test_migrations_run_before_anything_of_ours(compose: dict[str, Any]) -> None:
    for name in set(OWN) - {"migrate"}:
        waits = compose["services"][name]["depends_on"]
        assert waits["migrate"] == {"condition": "service_completed_successfully"}


def test_every_variable_is_in_the_example_with_the_default_of_the_file(
    compose: dict[str, Any], example: dict[str, str]
) -> None:
    found = [match for text in _texts(compose) for match in _VARIABLE.finditer(text)]

    assert {match["name"] for match in found} <= set(example)
    for match in found:
        assert match["fallback"] == f":-{example[match['name']]}"


def test_every_secret_comes_from_a_file_and_nobody_gets_one_that_he_does_not_read(
    compose: dict[str, Any],
) -> None:
    named = {name: service.get("secrets", []) for name, service in compose["services"].items()}
    made = re.search(r"for name in (.+); do", SECRETS.read_text())

    assert made is not None
    assert set(compose["secrets"]) == set(made[1].split()) == set(chain(*named.values()))
    assert named["redis"] == ["redis_password"]
    assert named["postgres"] == ["postgres_password"]
    assert [name for name, held in named.items() if "secret_key" in held] == ["api"]
    assert {name for name, held in named.items() if "api_password" in held} == {"api", "migrate"}
    assert "postgres_password" not in named["api"]


def test_no_secret_is_in_an_environment_or_in_a_command_line(compose: dict[str, Any]) -> None:
    secrets = re.compile(r"(PASSWORD|SECRET|KEY)", re.IGNORECASE)
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secrets.search(name):
                assert name.endswith("_FILE")
                assert value.startswith("/run/secrets/")


def test_settings_take_the_files_that_the_compose_file_names(
    compose: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in compose["services"]["api"]["environment"].items():
        here = tmp_path / Path(value).name
        here.write_text(f"{SECRET}\n")
        is_secret = value.startswith("/run/secrets/")
        monkeypatch.setenv(name, str(here) if is_secret else value)
    monkeypatch.setenv("ASKEDBEFORE_UPLOAD_FOLDER", str(tmp_path))

    database = make_url(DatabaseSettings().database_url.get_secret_value())
    api = ApiSettings()

    assert (database.password, database.host) == (
        SECRET,
        "postgres",
    )
    assert urlsplit(api.redis_url.get_secret_value()).hostname == "redis"
    assert api.secret_key.get_secret_value() == SECRET


def test_the_script_makes_each_secret_once(tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "compose" / "secrets.sh"
    script.parent.mkdir(parents=True)
    shutil.copy(SECRETS, script)

    subprocess.run(["sh", script], check=True, capture_output=True)
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(["sh", script], check=True, capture_output=True)

    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == first
    assert {len(value) for value in first.values()} == {64}
    assert len(set(first.values())) == len(first)


@pytest.mark.parametrize("name", ALL)
def test_every_container_is_held_small(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    if name in OWN:
        assert "cap_add" not in service


@pytest.mark.parametrize("name", sorted(set(ALL) - {"migrate", "models"}))
def test_every_process_that_stays_is_looked_after(compose: dict[str, Any], name: str) -> None:
    assert compose["services"][name]["healthcheck"]["test"]
    assert compose["services"][name]["restart"] == "unless-stopped"


def test_an_image_is_built_once_and_has_a_version(compose: dict[str, Any]) -> None:
    own = [compose["services"][name] for name in OWN]
    built = {service["image"] for service in own if "build" in service}

    assert {service["image"] for service in own} == built
    assert all(image.endswith(f":${{ASKEDBEFORE_VERSION:-{VERSION}}}") for image in built)


def test_the_servers_are_reachable_by_our_services_only(compose: dict[str, Any]) -> None:
    for name in ("postgres", "redis"):
        assert compose["services"][name]["networks"] == ["servers"]
        assert "ports" not in compose["services"][name]
    assert compose["networks"]["servers"] == {"internal": True}


def test_data_outlive_their_containers(compose: dict[str, Any]) -> None:
    mounts = [m for s in compose["services"].values() for m in s.get("volumes", [])]

    # The images of Postgres 18 and later keep their data one folder higher than those before.
    assert "database:/var/lib/postgresql" in mounts


def test_redis_keeps_nothing_on_disk_and_drops_nothing(compose: dict[str, Any]) -> None:
    redis = compose["services"]["redis"]
    words = shlex.split(redis["command"][-1])
    options = dict(zip(words[3::2], words[4::2], strict=True))

    assert (options["--save"], options["--appendonly"]) == ("", "no")
    assert options["--maxmemory-policy"] == "noeviction"
    assert "/data" in redis["tmpfs"]
    assert "volumes" not in redis


def test_exactly_one_kind_of_worker_is_chosen_by_profile(compose: dict[str, Any]) -> None:
    profiles = {name: s["profiles"] for name, s in compose["services"].items() if "profiles" in s}

    assert profiles == {"worker-cpu": ["cpu"], "worker-gpu": ["gpu"], "models": ["tools"]}


def test_a_gpu_worker_reserves_one_gpu(compose: dict[str, Any]) -> None:
    worker = compose["services"]["worker-gpu"]
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]

    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert len(device["device_ids"]) == 1
    assert worker["environment"]["ASKEDBEFORE_DEVICE"] == "cuda"
    assert worker["build"]["target"] == "gpu"


def test_a_worker_has_time_to_finish_its_slice(compose: dict[str, Any]) -> None:
    settings = WorkerSettings(redis_url="redis://localhost")

    for name in ("worker-cpu", "worker-gpu"):
        grace_s = int(compose["services"][name]["stop_grace_period"].removesuffix("s"))
        assert grace_s > settings.slice_s


def test_the_image_copies_what_exists_and_nothing_of_the_tests() -> None:
    copies = re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    here = [line for line in copies if not line.startswith("--from=")]
    sources = {source for line in here for source in line.split()[:-1]}

    assert all((ROOT / source).exists() for source in sources)
    assert {"db/", "migrations/", "worker/", "training/", "api/", "cli/"} <= sources
    assert "tests/" not in sources


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert users == ["10001:10001"]
