"""The real worker, but with fake models that compare words and take no time."""

import argparse

from cli.running.processes import ALL_LANES, worker
from worker import resources
from worker.inference.testing import WordEncoder, WordReranker
from worker.process.logs import configure_logs


def main() -> None:
    """Run the worker of this name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--name", required=True)
    name = parser.parse_args().name
    configure_logs()
    setattr(resources, "load_encoder", lambda *_, **__: WordEncoder())
    setattr(resources, "load_reranker", lambda *_, **__: WordReranker())
    worker(lanes=ALL_LANES, name=name)


if __name__ == "__main__":
    main()
