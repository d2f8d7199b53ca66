"""What can be proved of the deployment files without a Docker engine."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from api.settings import ApiSettings
from db.settings import PLACEHOLDER, DatabaseSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "tests" / "data" / "compose-spec.json"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?P<fallback>:[-?][^}]*)?\}")
OWN = ("migrate", "api", "worker-cpu", "worker-gpu", "beat")


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


def _filled(text: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values[found["name"]], text)


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


def test_every_variable_is_in_the_example_and_secrets_have_no_default(
    compose: dict[str, Any], example: dict[str, str]
) -> None:
    found = [match for text in _texts(compose) for match in _VARIABLE.finditer(text)]

    assert {match["name"] for match in found} <= set(example)
    for match in found:
        if PLACEHOLDER in example[match["name"]]:
            assert match["fallback"].startswith(":?")


def test_no_secret_is_written_into_the_compose_file(compose: dict[str, Any]) -> None:
    secrets = re.compile(r"(PASSWORD|SECRET|KEY)", re.IGNORECASE)
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if secrets.search(name):
                assert value.startswith("${")


def test_the_database_placeholder_is_refused(
    compose: dict[str, Any], example: dict[str, str]
) -> None:
    url = compose["services"]["api"]["environment"]["ASKEDBEFORE_DATABASE_URL"]

    with pytest.raises(ValidationError, match="placeholder"):
        DatabaseSettings(database_url=_filled(url, example))


def test_the_queue_placeholder_is_refused(compose: dict[str, Any], example: dict[str, str]) -> None:
    url = compose["services"]["api"]["environment"]["ASKEDBEFORE_REDIS_URL"]

    with pytest.raises(ValidationError, match="placeholder"):
        WorkerSettings(redis_url=_filled(url, example))


def test_the_secret_key_placeholder_is_refused(example: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="placeholder"):
        ApiSettings(redis_url="redis://localhost", secret_key=example["ASKEDBEFORE_SECRET_KEY"])


def test_chosen_secrets_are_accepted(compose: dict[str, Any], example: dict[str, str]) -> None:
    chosen = {name: value.replace(PLACEHOLDER, "0a" * 32) for name, value in example.items()}
    environment = compose["services"]["worker-cpu"]["environment"]

    database = DatabaseSettings(
        database_url=_filled(environment["ASKEDBEFORE_DATABASE_URL"], chosen)
    )
    worker = WorkerSettings(redis_url=_filled(environment["ASKEDBEFORE_REDIS_URL"], chosen))
    ApiSettings(redis_url=worker.redis_url, secret_key=chosen["ASKEDBEFORE_SECRET_KEY"])

    assert "@postgres:5432/" in database.database_url.get_secret_value()
    assert "@redis:6379/" in worker.redis_url.get_secret_value()


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
    words = shlex.split(redis["command"])
    options = dict(zip(words[1::2], words[2::2], strict=True))

    assert (options["--save"], options["--appendonly"]) == ("", "no")
    assert options["--maxmemory-policy"] == "noeviction"
    assert (redis["tmpfs"], redis.get("volumes")) == (["/data"], None)


def test_exactly_one_kind_of_worker_is_chosen_by_profile(compose: dict[str, Any]) -> None:
    profiles = {name: s["profiles"] for name, s in compose["services"].items() if "profiles" in s}

    assert profiles == {"worker-cpu": ["cpu"], "worker-gpu": ["gpu"]}


def test_a_gpu_worker_reserves_one_gpu(compose: dict[str, Any]) -> None:
    worker = compose["services"]["worker-gpu"]
    (device,) = worker["deploy"]["resources"]["reservations"]["devices"]

    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert len(device["device_ids"]) == 1
    assert worker["environment"]["ASKEDBEFORE_DEVICE"] == "cuda"
    assert "cpu" not in worker["build"]["args"]["TORCH_INDEX"]


def test_a_worker_has_time_to_finish_its_slice(compose: dict[str, Any]) -> None:
    settings = WorkerSettings(redis_url="redis://localhost")

    for name in ("worker-cpu", "worker-gpu"):
        grace_s = int(compose["services"][name]["stop_grace_period"].removesuffix("s"))
        assert grace_s > settings.slice_s


def test_the_image_copies_what_exists_and_nothing_of_the_tests() -> None:
    copies = re.findall(r"^COPY (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source for line in copies for source in line.split()[:-1]}

    assert all((ROOT / source).exists() for source in sources)
    assert {"db/", "migrations/", "worker/", "training/", "api/", "cli/"} <= sources
    assert "tests/" not in sources


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    assert users == ["askedbefore"]
