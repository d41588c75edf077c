"""What many requests of all kinds leave behind: memory, threads, tasks, descriptors, dependencies.

All workloads in turn, errors at every step of a request, and clients that vanish. Ends with status
1 if anything is left at the end that was not there after the warm-up.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from harness import process, report, wrk
from harness.daemon import LOOK_AGAIN, PLUGINS, Daemon, Home, daemon
from harness.request import Request
from harness.servers import fetch
from harness.vanishing import Vanishing
from harness.workloads import ECHO, WORKLOADS
from harness.wrk import Load

#: Workloads whose requests are large: they come once in each turn of the mix.
_LARGE = ("rows", "typed-rows", "list", "upload", "model", "file", "stream")
_FAILING = ("none", "before", "needed", "handler", "answer", "piece", "task", "after")
_OTHERS: tuple[str | Request, ...] = (
    "GET /bench/async/abc?count=0",
    "GET /bench/nothing",
    'POST /bench/order {"item":""}',
    "POST /bench/order {",
    "GET /health",
    "GET /bench/bearer/abc",
    *(f"GET /bench/leaks/fails?where={where}" for where in _FAILING),
    *(f"GET /bench/leaks/fails-def?where={where}" for where in _FAILING),
    "GET /bench/leaks/slow",
    'POST /bench/leaks/order {"item":"tea","count":2}',
)
_SECONDS = 10
#: The part of all requests after which memory must no longer grow.
_WARMUP = 0.05
_GROWTH_MAX = 0.05
#: Requests from which on memory is judged: in a short run its growth is warm-up.
_JUDGED = 500_000
#: Seconds until no request is in flight any more.
_SETTLING_MAX = 20
#: Threads of FastAPI's pool, which may be there or not at any time.
_POOL = 40
#: Other threads and descriptors that may be.
_SLACK = 4


@dataclass(frozen=True)
class State:
    """The daemon after a number of requests.

    Attributes:
        opened: Number of dependencies with a teardown that were opened.
        closed: Number of those that were closed.
    """

    requests: int
    rss: int
    threads: int
    descriptors: int
    tasks: int
    opened: int
    closed: int

    def is_settled(self, tasks: int) -> bool:
        """Returns whether no request is in flight, `tasks` being the daemon's own."""
        return self.tasks <= tasks and self.opened == self.closed


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    wanted = min(arguments.requests, 50_000) if arguments.quick else arguments.requests
    seconds = 2 if wanted <= 100_000 else _SECONDS
    load = _mix()
    with daemon(home, [PLUGINS / "bench"]) as started:
        fetch(started.url, ECHO)
        states = [_state(started, 0)]
        failed = vanished = 0
        while states[-1].requests < wanted:
            with Vanishing(started.url) as vanishing:
                measured = wrk.measure(started.url, load, seconds)
            failed += measured.failed
            vanished += vanishing.count
            total = states[-1].requests + measured.requests
            states.append(_settled(started, total, states[0].tasks))
            print(f"{states[-1]}", file=sys.stderr)
    warm = next(state for state in states[1:] if state.requests >= wanted * _WARMUP)
    last = states[-1]
    head = ["soak", "requests", "RSS", "threads", "descriptors", "tasks", "opened", "closed"]
    print(report.table(head, [_row("start", states[0]), _row("warm", warm), _row("end", last)]))
    growth = last.rss / warm.rss - 1
    verdict = "flat" if growth <= _GROWTH_MAX else "not flat"
    print(
        f"\nResident memory from warm to end: {growth:+.1%}, {verdict}. "
        f"Clients that vanished: {report.count(vanished)}. "
        f"Requests that failed, broken streams included: {failed}."
    )
    left = _left(states[0], warm, last)
    print("\n".join(f"left behind: {each}" for each in left) or "Nothing is left behind.")
    return {
        "states": [asdict(state) for state in states],
        "growth": growth,
        "failed": failed,
        "vanished": vanished,
        "violations": left,
    }


def _mix() -> Load:
    """Returns one turn of the mix: every large request once, all others several times."""
    large = [request for w in WORKLOADS if w.name in _LARGE for request in w.load.requests]
    small = [request for w in WORKLOADS if w.name not in _LARGE for request in w.load.requests]
    return Load((*small, *_OTHERS, *small, *small, *large, *small))


def _left(start: State, warm: State, last: State) -> list[str]:
    """Describes what is there at the end and was not there before."""
    left = []
    if last.opened != last.closed:
        left.append(f"{last.opened - last.closed} dependencies that were opened and never closed")
    if last.tasks > start.tasks:
        left.append(f"{last.tasks - start.tasks} tasks")
    if last.threads > start.threads + _POOL + _SLACK:
        left.append(f"{last.threads - start.threads} threads, of which a pool may have {_POOL}")
    if last.descriptors > max(start.descriptors, warm.descriptors) + _SLACK:
        left.append(f"{last.descriptors - warm.descriptors} descriptors")
    if last.rss > warm.rss * (1 + _GROWTH_MAX) and last.requests >= _JUDGED:
        left.append(f"{report.megabytes(last.rss - warm.rss)} of memory")
    return left


def _settled(started: Daemon, requests: int, tasks: int) -> State:
    """Returns the state after the end of the requests that wrk cut off."""
    deadline = time.monotonic() + _SETTLING_MAX
    while True:
        state = _state(started, requests)
        if state.is_settled(tasks) or time.monotonic() > deadline:
            return state
        time.sleep(LOOK_AGAIN)


def _state(started: Daemon, requests: int) -> State:
    counted = json.loads(fetch(started.url, "GET /bench/left-behind").body)["data"]
    return State(
        requests,
        process.memory(started.pid).rss,
        process.threads(started.pid),
        process.descriptors(started.pid),
        counted["tasks"],
        counted["opened"],
        counted["closed"],
    )


def _row(name: str, state: State) -> list[str]:
    counts = (state.threads, state.descriptors, state.tasks)
    opened = (report.count(state.opened), report.count(state.closed))
    size = report.megabytes(state.rss)
    return [name, report.count(state.requests), size, *map(str, counts), *opened]
