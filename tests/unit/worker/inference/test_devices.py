"""The device that a name means, and what is said if it is not there."""

import pytest

from worker.inference import devices
from worker.inference.devices import NoSuchDeviceError, resolved


@pytest.mark.parametrize("device", ["cpu", "cuda", "cuda:1"])
def test_a_device_that_is_there_is_taken(monkeypatch: pytest.MonkeyPatch, device: str) -> None:
    monkeypatch.setattr(devices, "_gpus", lambda: 2)

    assert resolved(device) == device


@pytest.mark.parametrize(("has_gpu", "device"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, device: str, *, has_gpu: bool
) -> None:
    monkeypatch.setattr(devices, "_has_gpu", lambda: has_gpu)

    assert resolved("auto") == device


@pytest.mark.parametrize(
    ("gpus", "device", "told"),
    [
        (0, "cuda", "PyTorch finds no GPU for the device 'cuda': use cpu, or install"),
        (1, "cuda:1", "PyTorch finds 1 GPU, and the last is cuda:0"),
        (2, "gpu", "there is no device 'gpu': use auto, cpu, cuda or cuda:N"),
        (2, "CPU", "there is no device 'CPU'"),
        (2, "mps", "there is no device 'mps'"),
        (2, "cuda:", "there is no device 'cuda:'"),
        (2, "cuda:0\n", "there is no device"),
        (2, "", "there is no device ''"),
    ],
)
def test_a_device_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, gpus: int, device: str, told: str
) -> None:
    monkeypatch.setattr(devices, "_gpus", lambda: gpus)

    with pytest.raises(NoSuchDeviceError, match=told):
        resolved(device)
