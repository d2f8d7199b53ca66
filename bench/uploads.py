"""Measures how hostile uploads to one forum change the answer times of another forum.

Many files of one kind, made to be slow or to grow, are sent at the same time for some seconds.
Meanwhile another forum reads one small page of the API repeatedly. Then the next kind follows.
Prints a table.
"""

import gzip
import io
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx2
import numpy as np
import psutil
import py7zr
import pyarrow as pa
import pyarrow.parquet as pq

from cli.running.home import environment
from cli.running.service import Servers, held_port, running_servers, wait_until
from cli.running.supervisor import Supervisor
from db.tenants import forums, keys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AT_ONCE = 45
SECONDS = 15.0
_PROBE_EVERY_S = 0.05
_PAUSE_S = 1.0
"""Seconds until a refused upload is sent again: much less than ``Retry-After`` asks for."""
_MIB = 1 << 20
_FREE = 63 * _MIB
"""Bytes to which a compressed file may grow before the ratio is checked."""
_READER = "worker.archives.loading.load_process"
_READ_S = 600.0
"""Seconds for which the next kind waits for the last files of the one before."""


def _quotes(delimiter: bytes) -> bytes:
    # Each line opens a quote that nothing closes.
    return b"id" + delimiter + b"title\n" + (b"x" + delimiter + b'"\n') * 400_000


def _jsonl() -> bytes:
    row = b'{"title":"a",' + b",".join(b'"%d":[]' % n for n in range(100_000)) + b"}\n"
    return row * 12


def _json() -> bytes:
    deep, long = b"[" * 200_000 + b"]" * 200_000, b'{"title":"' + b"x" * (6 * _MIB) + b'"}'
    return b'{"topics":[{"id":1,"title":"a"},' + b",".join([deep, long] * 3) + b"]}"


def _parquet() -> bytes:
    out = io.BytesIO()
    table = pa.table({"title": ["z" * _MIB] * 512})
    pq.write_table(table, out, compression="zstd", use_dictionary=False)
    return out.getvalue()


def _xml() -> bytes:
    return b"<posts>\n" + (b"<row Id='1'\n" + b" \n" * 200_000) * 6


def _seven() -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w") as archive:
        archive.writestr(_unpacked(), "export.csv")
    return out.getvalue()


def _zstd() -> bytes:
    # The largest window that is accepted, and twice as many bytes that cannot be compressed.
    noise = np.random.default_rng(1).integers(0, 256, 20 * _MIB, dtype=np.uint8).tobytes()
    window, checksum = zstd.CompressionParameter.window_log, zstd.CompressionParameter.checksum_flag
    options = {int(window): 27, int(checksum): 1}
    return zstd.compress(b"id,title\n" + noise * 12, options=options)


def _unpacked() -> bytes:
    return _quotes(b",")[: _FREE // 12] * 12


FILES: dict[str, Callable[[], bytes]] = {
    "CSV": lambda: _quotes(b","),
    "TSV": lambda: _quotes(b"\t"),
    "JSON": _json,
    "JSONL": _jsonl,
    "Parquet": _parquet,
    "XML": _xml,
    "7z": _seven,
    "gzip": lambda: gzip.compress(_unpacked()),
    "zstd": _zstd,
}


@dataclass(slots=True)
class Seen:
    """The figures of one kind of file."""

    statuses: Counter[int] = field(default_factory=Counter)
    untold: int = 0
    """Refusals without ``Retry-After``."""
    probes_s: list[float] = field(default_factory=list)
    api_mib: float = 0.0
    readers_mib: float = 0.0


@contextmanager
def running_api(servers: Servers) -> Iterator[tuple[str, psutil.Process]]:
    """Run the API alone: the uploads are not mined."""
    given = environment(servers.running)
    with held_port() as port, Supervisor(servers.folder / "logs", given) as supervisor:
        supervisor.start("api", ["api", "--port", str(port)])
        url = f"http://127.0.0.1:{port}"

        def is_up() -> bool:
            with suppress(httpx2.TransportError):
                return httpx2.get(f"{url}/livez").is_success
            return False

        wait_until(is_up, timeout_s=120)
        yield url, psutil.Process(supervisor.pid("api"))


def make_key(servers: Servers, forum: str) -> dict[str, str]:
    """Return the headers of a new key of *forum*."""
    with servers.sessions.begin() as session:
        row = forums.ensure_forum(session, forum)
        key = keys.create_key(session, name=forum, forum_ids=[row.id], scopes=["submit"])
    return {"Authorization": f"Bearer {key}"}


def attack(url: str, headers: dict[str, str], data: bytes, seen: Seen, until: float) -> None:
    """Send *data* repeatedly."""
    with httpx2.Client(timeout=120, headers=headers) as client:
        while time.monotonic() < until:
            try:
                answer = client.post(f"{url}/v1/forums/stranger/archives", content=data)
                seen.statuses[answer.status_code] += 1
                is_put_off = answer.status_code in {429, 503, 507}
                seen.untold += is_put_off and "retry-after" not in answer.headers
                if answer.status_code != HTTPStatus.ACCEPTED:
                    time.sleep(_PAUSE_S)
            except httpx2.TransportError:
                seen.statuses[0] += 1  # refused before the whole body was sent


def probe(url: str, headers: dict[str, str], seen: Seen, until: float) -> None:
    """Ask for another forum's page, and note how long each answer takes."""
    with httpx2.Client(timeout=60, headers=headers) as client:
        while time.monotonic() < until:
            begun = time.perf_counter()
            client.get(f"{url}/v1/forums/others").raise_for_status()
            seen.probes_s.append(time.perf_counter() - begun)
            time.sleep(_PROBE_EVERY_S)


def weigh(api: psutil.Process, seen: Seen, is_over: threading.Event) -> None:
    """Note the peak memory of the API and its readers."""
    while not is_over.wait(0.1):
        seen.api_mib = max(seen.api_mib, api.memory_info().rss / _MIB)
        sizes = []
        for reader in _readers(api):
            with suppress(psutil.Error):
                sizes.append(reader.memory_full_info().uss / _MIB)
        seen.readers_mib = max(seen.readers_mib, sum(sizes))


def _readers(api: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in api.children(recursive=True):
        with suppress(psutil.Error):
            if _READER in child.cmdline():
                found.append(child)
    return found


def measure(
    url: str,
    api: psutil.Process,
    keys_of: list[dict[str, str]],
    data: bytes,
    *,
    at_once: int = AT_ONCE,
) -> Seen:
    """Return the figures of *at_once* simultaneous uploads of *data*, sent for `SECONDS`."""
    seen, is_over = Seen(), threading.Event()
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(AT_ONCE + 2) as pool:
        weighing = pool.submit(weigh, api, seen, is_over)
        work = [pool.submit(probe, url, keys_of[1], seen, until)]
        work += [pool.submit(attack, url, keys_of[0], data, seen, until) for _ in range(at_once)]
        for one in work:
            one.result()
        is_over.set()
        weighing.result()
    return seen


def main() -> None:
    """Measure each kind of file and print the table."""
    print("| file | bytes sent | GET p50 / p99 | answers | API above rest | its readers |")
    print("| --- | --- | --- | --- | --- | --- |")
    with running_servers() as servers, running_api(servers) as (url, api):
        keys_of = [make_key(servers, name) for name in ("stranger", "others")]
        probe(url, keys_of[1], Seen(), time.monotonic() + 2)
        rest = api.memory_info().rss / _MIB
        # The first row is without any upload: it shows the effect of other programs alone.
        for name, make in {"none": bytes, **FILES}.items():
            data = make()
            wait_until(lambda: not _readers(api), timeout_s=_READ_S, pause_s=0.5)
            seen = measure(url, api, keys_of, data, at_once=AT_ONCE if data else 0)
            p50, p99 = (np.percentile(seen.probes_s, share) * 1000 for share in (50, 99))
            told = ", ".join(f"{count} x {code}" for code, count in sorted(seen.statuses.items()))
            print(
                f"| {name} | {len(data):,} | {p50:.0f} / {p99:.0f} ms | {told} |"
                f" {seen.api_mib - rest:.0f} MiB | {seen.readers_mib:.0f} MiB |",
                flush=True,
            )
            if seen.untold:
                sys.exit(f"{name}: {seen.untold} refusals did not say when to try again")
    print(f"API at rest: {rest:.0f} MiB.", file=sys.stderr)


if __name__ == "__main__":
    main()
