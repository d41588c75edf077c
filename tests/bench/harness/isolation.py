"""Latency of a plugin and `/health` beside a plugin that blocks its loop or burns CPU."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness import report, wrk
from harness.daemon import PLUGINS, Home, daemon
from harness.servers import fetch
from harness.workloads import ECHO
from harness.wrk import Load, Measured

_ECHO = Load((ECHO,))
#: Few enough not to be a load of its own, enough for a 99th percentile.
_HEALTH = Load(("GET /health",), connections=1, pause=10)

#: Load of the other plugin. Each request lasts 5 s and is followed by the next at once.
_CASES = {
    "alone": None,
    "another blocks its loop": "GET /sleeper/block?seconds=5",
    "another burns CPU": "GET /burner/burn?seconds=5",
}


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    seconds = 3 if arguments.quick else 10
    plugins = [PLUGINS / name for name in ("bench", "sleeper", "burner")]
    measured: dict[str, tuple[Measured, Measured]] = {}
    with daemon(home, plugins) as started:
        wrk.measure(started.url, _ECHO, 1)
        for case, disturbance in _CASES.items():
            with _disturbed(started.url, disturbance):
                echo = wrk.Run(started.url, _ECHO, seconds)
                health = wrk.Run(started.url, _HEALTH, seconds)
                measured[case] = echo.result(), health.result()
    print(_table(measured))
    return {
        case: {"echo": echo.raw(), "health": health.raw()}
        for case, (echo, health) in measured.items()
    }


@contextmanager
def _disturbed(url: str, request: str | None) -> Iterator[None]:
    """Keeps one request in flight; returns when the last one has ended."""
    if request is None:
        yield
        return
    enough = threading.Event()

    def disturb() -> None:
        while not enough.is_set():
            fetch(url, request)

    thread = threading.Thread(target=disturb)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def _table(measured: dict[str, tuple[Measured, Measured]]) -> str:
    alone = measured["alone"][0]
    head = ["echo at 32 connections", "requests/s", "p50", "p99", "/ p99 alone"]
    head += ["`/health` p50", "p99", "most"]
    rows = []
    for case, (echo, health) in measured.items():
        own = [report.count(echo.per_second), report.time(echo.p50), report.time(echo.p99)]
        own.append(report.ratio(echo.p99 / alone.p99))
        rows.append([case, *own, *map(report.time, (health.p50, health.p99, health.max))])
    return report.table(head, rows)
