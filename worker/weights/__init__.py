"""Models by their names: found, made ready for this machine, and loaded.

Imported through `load` (a model by its name), `profiles` and `prepare` (whether a profile can be
taken, and taking it) and `export` (weights to ONNX).
May touch: model files, the hub, wheels, processes that it starts for one export.
Never: opens a database session, or reads a text.
"""
