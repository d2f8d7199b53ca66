"""The parts of `python -m bench.archives`, one module for each."""
