"""Cost of a route among many: the last of 10,000 beside the last of 10."""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

from harness import report, wrk
from harness.daemon import Home, daemon
from harness.wrk import Load

_COUNTS = (10, 10_000)
_ROUNDS = 3

_PLUGIN = """
from fastapi import APIRouter

router = APIRouter()


def _add(number: int) -> None:
    @router.get(f"/r{{number}}/{{{{word}}}}/x")
    def echo(word: str):
        return word


for number in range({count}):
    _add(number)


class RoutesPlugin:
    name = "routes-{count}"
    router = router
"""


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    seconds, rounds = (1, 1) if arguments.quick else (3, _ROUNDS)
    plugins = [_plugin(home, count) for count in _COUNTS]
    measured: dict[int, list[float]] = {count: [] for count in _COUNTS}
    with daemon(home, plugins) as started:
        for _ in range(rounds):
            for count in _COUNTS:
                load = Load((f"GET /routes-{count}/r{count - 1}/word/x",))
                measured[count].append(wrk.measure(started.url, load, seconds).per_second)
    medians = {count: statistics.median(each) for count, each in measured.items()}
    first = medians[_COUNTS[0]]
    rows = [
        [f"{count:,}", report.count(median), report.ratio(median / first)]
        for count, median in medians.items()
    ]
    print(report.table(["routes", "requests/s of the last", f"/ {_COUNTS[0]} routes"], rows))
    return {str(count): each for count, each in measured.items()}


def _plugin(home: Home, count: int) -> Path:
    """A plugin with `count` routes."""
    directory = home.directory / f"routes-{count}"
    directory.mkdir()
    (directory / "__init__.py").write_text(_PLUGIN.format(count=count))
    return directory
