"""WebSockets: memory of idle ones and echoes of busy ones, beside the other servers."""

from __future__ import annotations

import argparse
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from harness import process, report
from harness.daemon import Home
from harness.servers import LIMIT, Server, all_servers

_PATH = "/bench/socket"
_IDLE, _BUSY = 1000, 100


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    rounds, seconds = (1, 3) if arguments.quick else (5, 5)
    with all_servers(home) as started:
        # Plain axum has no WebSocket in the bench.
        compared = [server for server in started if server.name != LIMIT]
        idle = {server.name: _memory_of_one(home, server) for server in compared}
        echoed: dict[str, list[float]] = {server.name: [] for server in compared}
        # In turns, so that a slow moment of the machine meets all.
        for _ in range(rounds):
            for server in compared:
                echoed[server.name].append(_echoed(home, server, seconds))
    rows = [
        [name, f"{idle[name] / 1e3:.1f} kB", report.count(statistics.median(echoed[name]))]
        for name in idle
    ]
    head = ["server", f"PSS per connection, {_IDLE:,} idle", f"messages/s, {_BUSY} connections"]
    print(report.table(head, rows))
    return {"idle": idle, "echoed": echoed}


def _memory_of_one(home: Home, server: Server) -> float:
    """Returns how much memory each of many idle connections adds to a server, in bytes."""
    # What the first connection loads is not each one's; more would leave memory to use again.
    with _open(home, server, 1):
        pass
    before = _pss(server)
    with _open(home, server, _IDLE):
        return (_pss(server) - before) / _IDLE


def _pss(server: Server) -> int:
    return sum(process.memory(pid).pss for pid in process.tree(server.pid))


def _load(home: Home, mode: str, server: Server, count: int, *rest: str) -> list[str]:
    program = str(home.binaries / "examples/sockets")
    return [program, mode, str(urlsplit(server.url).port), _PATH, str(count), *rest]


@contextmanager
def _open(home: Home, server: Server, count: int) -> Iterator[None]:
    """Has idle connections open."""
    load = subprocess.Popen(
        _load(home, "idle", server, count),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert load.stdout is not None
        if load.stdout.readline().strip() != "open":
            raise subprocess.CalledProcessError(load.wait(), load.args)
        yield
    finally:
        load.communicate()


def _echoed(home: Home, server: Server, seconds: int) -> float:
    """Returns how many messages a second come back on busy connections."""
    load = _load(home, "busy", server, _BUSY, str(seconds))
    done = subprocess.run(load, capture_output=True, text=True, check=True)
    return int(done.stdout) / seconds
