"""Time from a saved file of a plugin to the first answer of the new code."""

from __future__ import annotations

import argparse
import http.client
import statistics
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import report
from harness.daemon import DaemonError, Home, daemon

_PLUGIN = """
from fastapi import APIRouter

router = APIRouter()


@router.get("/number")
async def number():
    return {number}


class ReloadPlugin:
    name = "reload"
    router = router
"""
#: Seconds between two requests, and until an edit counts as lost.
_POLL = 0.001
_LOST = 30


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    edits = 10 if arguments.quick else 100
    directory = home.directory / "reload"
    directory.mkdir()
    file = directory / "__init__.py"
    file.write_text(_PLUGIN.format(number=0))
    with daemon(home, [directory]) as started:
        times = measure(started.url, "/reload/number", file, _PLUGIN, edits)
    print(report.table(head("reload"), [row("a router plugin", times)]))
    return {"seconds": times}


def measure(url: str, path: str, file: Path, template: str, edits: int) -> list[float]:
    """Edits `file` that often; returns the seconds from each `write()` to the new answer at `path`.

    Raises:
        DaemonError: An answer has another status than 200, or the new one does not come.
    """
    connection = connect(url)
    times = []
    for number in range(1, edits + 1):
        text = template.replace("{number}", str(number))
        begun = time.perf_counter()
        file.write_text(text)
        if not is_seen(connection, path, str(number), begun):
            raise DaemonError(f"edit {number} of {file} has no effect")
        times.append(time.perf_counter() - begun)
    connection.close()
    return times


def connect(url: str) -> http.client.HTTPConnection:
    """Returns a connection for `is_seen`."""
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=_LOST)


def is_seen(connection: http.client.HTTPConnection, path: str, wanted: str, begun: float) -> bool:
    """Asks until the answer is `wanted`; false if the edit made at `begun` counts as lost."""
    while _answer(connection, path) != wanted:
        if time.perf_counter() - begun > _LOST:
            return False
        time.sleep(_POLL)
    return True


def head(name: str) -> list[str]:
    """The head of the table of `row`s."""
    return [name, "edits", "least", "median", "largest"]


def row(name: str, times: list[float]) -> list[str]:
    """Times in seconds as a row."""
    numbers = (min(times), statistics.median(times), max(times))
    return [name, str(len(times)), *(report.time(number * 1e6) for number in numbers)]


def _answer(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("GET", path)
    response = connection.getresponse()
    text = response.read().decode()
    if response.status != 200:
        raise DaemonError(f"{path}: {response.status} {text}")
    return text
