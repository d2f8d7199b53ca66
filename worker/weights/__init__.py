"""Models by name: finds them, makes them ready for this machine, and loads them.

Imported through `load` (a model by its name), `profiles` and `prepare` (whether a profile's models
are at hand, and making them ready) and `export` (weights to ONNX). May touch: model files, the hub,
wheels, processes that it starts for one export. Never: opens a database session, or reads a
question.
"""
