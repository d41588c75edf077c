"""Leaks of memory, threads, tasks and descriptors under many requests of all kinds."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from harness import process, report, wrk
from harness.daemon import LOOK_AGAIN, PLUGINS, Daemon, Home, daemon
from harness.servers import fetch
from harness.workloads import ECHO
from harness.wrk import Load

#: A mix, in turn; every hundredth request is a large one.
_SMALL = (
    ECHO,
    "GET /bench/def/abc?count=3&loud=true",
    "GET /bench/depends/abc?count=3",
    'POST /bench/order {"item":"tea","count":2}',
    "GET /bench/async/abc?count=0",
    "GET /bench/nothing",
    "GET /bench/sleep",
    'POST /bench/order {"item":""}',
    "GET /health",
)
_MIX = Load((*_SMALL * 11, "GET /bench/rows"))
_SECONDS = 10
#: The part of all requests after which memory must no longer grow.
_WARMUP = 0.05
_GROWTH_MAX = 0.05
#: Seconds until no request is in flight any more.
_SETTLING_MAX = 5
#: The task that counts, and one that may run the loop.
_OWN_TASKS = 2


@dataclass(frozen=True)
class State:
    """The daemon after a number of requests."""

    requests: int
    rss: int
    threads: int
    descriptors: int
    tasks: int


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    wanted = 50_000 if arguments.quick else arguments.requests
    seconds = 2 if arguments.quick else _SECONDS
    with daemon(home, [PLUGINS / "bench"]) as started:
        fetch(started.url, ECHO)
        states = [_state(started, 0)]
        failed = 0
        while states[-1].requests < wanted:
            measured = wrk.measure(started.url, _MIX, seconds)
            failed += measured.failed
            states.append(_state(started, states[-1].requests + measured.requests))
            print(f"{states[-1]}", file=sys.stderr)
    warm = next(state for state in states if state.requests >= wanted * _WARMUP)
    last = states[-1]
    head = ["soak", "requests", "RSS", "threads", "descriptors", "tasks"]
    print(report.table(head, [_row("start", states[0]), _row("warm", warm), _row("end", last)]))
    growth = last.rss / warm.rss - 1
    verdict = "flat" if growth <= _GROWTH_MAX else "not flat"
    print(f"\nResident memory from warm to end: {growth:+.1%}, {verdict}. Failed: {failed}.")
    return {"states": [asdict(state) for state in states], "growth": growth, "failed": failed}


def _state(started: Daemon, requests: int) -> State:
    """Returns the state after the end of the requests that wrk cut off."""
    deadline = time.monotonic() + _SETTLING_MAX
    while (left := _left_behind(started))["tasks"] > _OWN_TASKS and time.monotonic() < deadline:
        time.sleep(LOOK_AGAIN)
    return State(
        requests,
        process.memory(started.pid).rss,
        process.threads(started.pid),
        process.descriptors(started.pid),
        left["tasks"],
    )


def _left_behind(started: Daemon) -> dict[str, int]:
    return json.loads(fetch(started.url, "GET /bench/left-behind").body)["data"]


def _row(name: str, state: State) -> list[str]:
    counts = (state.threads, state.descriptors, state.tasks)
    return [name, report.count(state.requests), report.megabytes(state.rss), *map(str, counts)]
