"""50 clients while 1,000 others send their requests slowly and 1,000 do not read their answers."""

from __future__ import annotations

import argparse
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from harness import report
from harness.daemon import PLUGINS, Daemon, DaemonError, Home, daemon
from harness.workloads import ECHO
from harness.wrk import Load, Measured, measure

_SLOW = 1000
#: Milliseconds between two requests of a client.
_PAUSE = 10
#: Answers that a slow reader asks for at once: more than the system's buffers take.
_ANSWERS = 4
_UNFINISHED = b"POST /bench/order HTTP/1.1\r\nhost: localhost\r\ncontent-le"
_LARGE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nhost: localhost\r\n\r\n"


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    seconds = 3 if arguments.quick else 10
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * _SLOW:
        raise DaemonError(f"{2 * _SLOW} connections need more open files than {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3 * _SLOW, hard))
    load = Load((ECHO,), connections=50, pause=_PAUSE)
    with daemon(home, [PLUGINS / "bench"]) as started:
        # The first requests are slower in any case.
        measure(started.url, load, 1)
        found = {"quiet": measure(started.url, load, seconds)}
        with _slow(started):
            found["attacked"] = measure(started.url, load, seconds)
        found["after"] = measure(started.url, load, seconds)
    head = ["50 clients", "requests/s", "p50", "p99", "longest", "failed"]
    print(report.table(head, [_row(name, measured) for name, measured in found.items()]))
    return {name: measured.raw() for name, measured in found.items()}


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


def _row(name: str, measured: Measured) -> list[str]:
    times = [report.time(each) for each in (measured.p50, measured.p99, measured.max)]
    failed = report.count(measured.failed + measured.not_ok)
    return [name, report.count(measured.per_second), *times, failed]
