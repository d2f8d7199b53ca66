"""Texts in, numbers out: tokens, backends, export, bi-encoder, CrossEncoder, cascade.

Imported through `load` (a model by its name), `encoder`, `reranker` and `cascade` (what it does),
`export` (models to ONNX), and by training and tests through `torch_backend`, `runner`, `tokens`
and `testing`.
May touch: model files, the hub, the GPU.
Never: opens a database session, or decides what a number means.
"""
