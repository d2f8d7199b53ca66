"""Looks at the settings and at the machine that this runs on."""

import os
import shutil
import tempfile
from pathlib import Path

from pydantic import ValidationError

from api.settings import ApiSettings
from cli.examining.finding import FaultError, Patient
from cli.version import place, version
from db.settings import DatabaseSettings
from worker.settings import Profile, WorkerSettings
from worker.weights.accurate import PUBLISHED
from worker.weights.prepare import are_at_hand

_FREE_SHARE = 0.05
_FREE_BYTES = 2 * 1024**3
_TELEMETRY = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")


def runs_from(_: Patient) -> str:
    """Say which version runs and from where."""
    return f"{version()} from {place()}"


def settings(_: Patient) -> str:
    """Say whether all settings can be used."""
    try:
        api = ApiSettings()
        DatabaseSettings()
        WorkerSettings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        raise FaultError(
            f"{'ASKEDBEFORE_' + name.upper() if name else 'a setting'}: {first['msg']}",
            "correct it; docs/settings.md says what it may be",
        ) from error
    if api.public_url.startswith("http://") and "localhost" not in api.public_url:
        raise FaultError(
            f"ASKEDBEFORE_PUBLIC_URL is {api.public_url}: cookies are not Secure",
            "put a proxy in front that speaks TLS, and give its https address",
        )
    return api.public_url or "ASKEDBEFORE_PUBLIC_URL is unset: links name the API's own address"


def disk(patient: Patient) -> str:
    """Say whether the disks of the models and of uploads have room."""
    folders = {patient.settings.model_cache, _uploads()}
    for folder in sorted(folders):
        there = next(one for one in (folder, *folder.parents) if one.exists())
        usage = shutil.disk_usage(there)
        if usage.free < min(_FREE_BYTES, _FREE_SHARE * usage.total):
            raise FaultError(
                f"the disk of {folder} has {usage.free / 1e6:,.0f} MB left",
                "make room, or move ASKEDBEFORE_MODEL_CACHE or ASKEDBEFORE_UPLOAD_FOLDER",
            )
    return "room enough"


def _uploads() -> Path:
    chosen = ApiSettings().upload_folder
    return chosen or Path(tempfile.gettempdir())


def cache(patient: Patient) -> str:
    """Say whether a worker here could keep its exported models."""
    folder = patient.settings.model_cache
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise FaultError(
            f"{folder} cannot be written by this user",
            "give it to the user of the workers, or set ASKEDBEFORE_MODEL_CACHE",
        )
    return str(folder)


def chosen_models(patient: Patient) -> str:
    """Say whether the models that the settings name are there."""
    chosen = patient.settings
    wants_accurate = chosen.profile is Profile.ACCURATE or chosen.reranker == PUBLISHED.reranker
    if wants_accurate and not are_at_hand(PUBLISHED, chosen.model_cache):
        raise FaultError(
            "the profile accurate is chosen, but its models are not on this machine",
            "`askedbefore models prepare accurate`, or choose ASKEDBEFORE_PROFILE=fast",
        )
    for name in (chosen.bi_encoder, chosen.reranker):
        if name and name.startswith(("/", ".")) and not Path(name).is_dir():
            raise FaultError(
                f"there is no folder {name}", "correct ASKEDBEFORE_BI_ENCODER or _RERANKER"
            )
    return (
        "as they are" if patient.settings.bi_encoder is None else str(patient.settings.bi_encoder)
    )


def telemetry(_: Patient) -> str:
    """Say whether libraries may report to their makers."""
    on = [name for name in _TELEMETRY if os.environ.get(name, "1") in {"0", "false", ""}]  # noqa: TID251
    if on:
        raise FaultError(f"{on[0]} lets a library send telemetry", f"unset {on[0]}")
    return "off"
