"""Texts in, numbers out: tokens, backends, bi-encoder, CrossEncoder, cascade.

Imported through `encoder`, `reranker` and `cascade` (what it does), by `worker.weights` through its
backends, and by training and tests through `torch_backend`, `runner`, `tokens` and `testing`.
May touch: model files, the GPU.
Never: opens a database session, or decides what a number means.
"""

import os

# ONNX Runtime keeps an id of the device and has an address to send it to, unless this stands when
# it is loaded; the hub's client reports what it is used for. Both only by the operator's own wish.
for _name in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_name, "1")  # noqa: TID251  # their libraries read it from here alone
