"""Starts the server of the API: ``python -m api.server``."""

import argparse

import uvicorn

from api.http.heads import LimitedHeads

_ENDS_WITHIN_S = 15
"""Seconds that running requests get to finish when the server is asked to stop."""


def main() -> None:
    """Serve until the process is asked to stop."""
    parser = argparse.ArgumentParser(prog="python -m api.server")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    given = parser.parse_args()
    uvicorn.run(
        "api.main:build_app",
        factory=True,
        host=given.host,
        port=given.port,
        workers=given.processes,
        http=LimitedHeads,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_ENDS_WITHIN_S,
    )


if __name__ == "__main__":
    main()
