"""Waits of calls and finished answers beside handlers that block.

Two `def` calls that arrive together at a warm pool take as long as one. An answer that is finished
is sent at once, even if the next handler of the same batch, which was short before, blocks.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import statistics
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from harness import report
from harness.daemon import PLUGINS, Home, daemon
from harness.servers import fetch

_TIMES = 20
_TIMES_QUICK = 5
#: Seconds that a `def` call takes.
_NAP = 1.0
#: Seconds that a handler blocks which was short before.
_BLOCK = 3.0
#: Seconds for which the loop is kept busy, so that it takes the next calls in one batch.
_GATE = 0.1
#: Number of calls after which a handler counts as short.
_SHORT_CALLS = 5


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    times = _TIMES_QUICK if arguments.quick else _TIMES
    with daemon(home, [PLUGINS / "sleeper"]) as started:
        measured = {
            f"two `def` calls of {_NAP:g} s on a warm pool": _measured(times, _pair, started.url),
            f"a finished answer beside a handler that blocks {_BLOCK:g} s": _measured(
                times, _beside, started.url
            ),
        }
    print(_table(measured))
    return measured


def _measured(times: int, measure: Callable[[str], float], url: str) -> list[float]:
    return [measure(url) for _ in range(times)]


def _pair(url: str) -> float:
    """Seconds until both of two calls that are sent together are answered."""
    fetch(url, "GET /sleeper/nap?seconds=0")
    calls = [_connection(url) for _ in range(2)]
    begun = time.monotonic()
    for call in calls:
        _send(call, f"/sleeper/nap?seconds={_NAP}")
    for call in calls:
        _answer(call)
    return time.monotonic() - begun


def _beside(url: str) -> float:
    """Seconds from a handler's last statement until its answer is here, while the next blocks."""
    for _ in range(_SHORT_CALLS):
        fetch(url, "GET /sleeper/block?seconds=0")
    gate = _sent(url, f"/sleeper/gate?seconds={_GATE}")
    time.sleep(_GATE / 4)
    first = _sent(url, "/sleeper/now")
    time.sleep(_GATE / 4)
    begun = time.monotonic()
    second = _sent(url, f"/sleeper/block?seconds={_BLOCK}")
    _answer(gate)
    finished = _answer(first)["now"]
    # Both are the same machine's clock.
    took = time.time() - finished
    _answer(second)
    assert time.monotonic() - begun >= _BLOCK, "the handler did not block"
    return took


def _connection(url: str) -> socket.socket:
    """Opens a connection before any request is sent."""
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=30)


def _send(connection: socket.socket, target: str) -> None:
    """Sends a request in one piece, so that two arrive before the daemon reads the first."""
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def _sent(url: str, target: str) -> socket.socket:
    connection = _connection(url)
    _send(connection, target)
    return connection


def _answer(connection: socket.socket) -> dict[str, Any]:
    with connection:
        response = http.client.HTTPResponse(connection)
        response.begin()
        body = response.read()
    assert response.status == 200, body
    return json.loads(body)


def _table(measured: dict[str, list[float]]) -> str:
    rows = []
    for title, seconds in measured.items():
        numbers = [min(seconds), statistics.median(seconds), max(seconds)]
        rows.append([title, *(report.time(number * 1e6) for number in numbers), str(len(seconds))])
    return report.table(["until it is answered", "least", "p50", "most", "times"], rows)
