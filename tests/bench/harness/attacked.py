"""50 clients while 1,000 others send their requests slowly and 1,000 do not read their answers."""

from __future__ import annotations

import argparse
import http.client
import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from harness import report
from harness.daemon import PLUGINS, Daemon, DaemonError, Home, daemon
from harness.workloads import ECHO

_SLOW = 1000
_CLIENTS = 50
#: Seconds between two requests of a client.
_PAUSE = 0.01
#: Answers that a slow reader asks for at once: more than the system's buffers take.
_ANSWERS = 4
_UNFINISHED = b"POST /bench/order HTTP/1.1\r\nhost: localhost\r\ncontent-le"
_LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n"


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    requests = 20 if arguments.quick else 500
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * _SLOW:
        raise DaemonError(f"{2 * _SLOW} connections need more open files than {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3 * _SLOW, hard))
    with daemon(home, [PLUGINS / "bench"]) as started:
        # The first requests are slower in any case.
        _seconds(started, 5)
        found = {"quiet": _seconds(started, requests)}
        with _slow(started):
            found["attacked"] = _seconds(started, requests)
        found["after"] = _seconds(started, requests)
    head = [f"{_CLIENTS} clients", "requests", "p50", "p99", "longest"]
    print(report.table(head, [_row(name, times) for name, times in found.items()]))
    return found


def _seconds(started: Daemon, requests: int) -> list[float]:
    """Returns how long each request of all clients takes, in order of length."""
    _, path = ECHO.split()

    def client(_: int) -> list[float]:
        address = urlsplit(started.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        times = []
        for _ in range(requests):
            begun = time.perf_counter()
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - begun)
            if answer.status != 200:
                raise DaemonError(f"an answer has the status {answer.status}")
            time.sleep(_PAUSE)
        connection.close()
        return times

    with ThreadPoolExecutor(_CLIENTS) as pool:
        return sorted(each for times in pool.map(client, range(_CLIENTS)) for each in times)


@contextmanager
def _slow(started: Daemon) -> Iterator[None]:
    """Has the slow senders and readers connected."""
    address = ("127.0.0.1", urlsplit(started.url).port or 0)
    with ExitStack() as stack:
        for _ in range(_SLOW):
            for sent in (_UNFINISHED, _LARGE * _ANSWERS):
                connection = stack.enter_context(socket.socket())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect(address)
                connection.sendall(sent)
        yield


def _row(name: str, times: list[float]) -> list[str]:
    shown = [times[len(times) // 2], times[len(times) * 99 // 100], times[-1]]
    return [name, report.count(len(times)), *(report.time(each * 1e6) for each in shown)]
