"""The devices that run models, by the names of PyTorch."""

import re
from importlib import util
from pathlib import Path

from db.errors import InvalidInputError, NotInstalledError
from db.wording import counted
from worker.settings import DEVICES


class NoSuchDeviceError(InvalidInputError):
    """The device is not there; the message says which one to use."""


def resolved(device: str) -> str:
    """Return ``cpu``, ``cuda`` or ``cuda:N``; ``auto`` is a GPU if there is one.

    Raises `NoSuchDeviceError`, and `NotInstalledError` if a GPU is wanted without PyTorch.
    """
    if not re.fullmatch(DEVICES, device):
        raise NoSuchDeviceError(f"there is no device {device!r}: use auto, cpu, cuda or cuda:N")
    if device == "auto":
        return "cuda" if _has_gpu() else "cpu"
    if device != "cpu":
        _find(device)
    return device


def _find(device: str) -> None:
    if util.find_spec("torch") is None:
        raise NotInstalledError(f"the device {device}", needs="PyTorch", extra="worker")
    there = _gpus()
    if not there:
        raise NoSuchDeviceError(
            f"PyTorch finds no GPU for the device {device!r}: use cpu, or install the driver of the"
            " GPU and a PyTorch with CUDA"
        )
    if int(device.partition(":")[2] or 0) >= there:
        raise NoSuchDeviceError(
            f"there is no device {device!r}: PyTorch finds {counted(there, 'GPU')}, and the last is"
            f" cuda:{there - 1}"
        )


def _has_gpu() -> bool:
    """Return whether CUDA can be used, without loading PyTorch if there is no driver."""
    if not any(Path("/dev").glob("nvidia[0-9]*")) and not Path("/dev/dxg").exists():
        return False
    return _gpus() > 0


def _gpus() -> int:
    import torch  # noqa: PLC0415  # a worker on a CPU does not load it

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
