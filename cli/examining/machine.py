"""Checks of the settings and of this machine."""

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
            "correct it; docs/settings.md describes every setting",
        ) from error
    if api.public_url.startswith("http://") and "localhost" not in api.public_url:
        raise FaultError(
            f"ASKEDBEFORE_PUBLIC_URL is {api.public_url}: cookies are not Secure",
            "put a proxy with TLS in front, and set the variable to the proxy's https address",
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
    return "enough room"


def _uploads() -> Path:
    chosen = ApiSettings().upload_folder
    return chosen or Path(tempfile.gettempdir())


def cache(patient: Patient) -> str:
    """Say where exported models are kept, if this user may write there."""
    folder = patient.settings.model_cache
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise FaultError(
            f"{folder} cannot be written by this user",
            "let the user of the workers write there, or set ASKEDBEFORE_MODEL_CACHE",
        )
    return str(folder)


def chosen_models(patient: Patient) -> str:
    """Say which models the settings name, if they are on this machine."""
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
    named = [name for name in (chosen.bi_encoder, chosen.reranker) if name]
    return ", ".join(named) or f"those of the profile {chosen.profile}"


def telemetry(_: Patient) -> str:
    """Say whether libraries may send telemetry."""
    on = [name for name in _TELEMETRY if os.environ.get(name, "1") in {"0", "false", ""}]  # noqa: TID251
    if on:
        raise FaultError(f"{on[0]} lets a library send telemetry", f"unset {on[0]}")
    return "off"
