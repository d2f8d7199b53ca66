"""Runs the models: tokens, backends, bi-encoder, CrossEncoder, cascade. Texts in, numbers out.

Imported through `encoder`, `reranker` and `cascade`. `worker.weights` imports the backends;
training and tests import `torch_backend`, `runner`, `tokens` and `testing`. May touch: model files,
the GPU. Never: opens a database session, or decides what a number means.
"""

import os

# ONNX Runtime keeps an id of the device and can send it, unless its variable is set before it is
# loaded; the hub's client reports its use. Both happen only if the operator wants it.
for _name in ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_name, "1")  # noqa: TID251  # the libraries read only this
