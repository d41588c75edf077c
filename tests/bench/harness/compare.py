"""All servers side by side.

The servers are measured one after the other, in rounds, so that a machine that gets slower or
busier does so for all. Ratios are taken within a round; what is shown is the median of all rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness import command, process, report, wrk
from harness.daemon import Home
from harness.servers import (
    DAEMON,
    GRANIAN,
    LIMIT,
    NAMES,
    UVICORN,
    Answer,
    Server,
    all_servers,
    fetch,
)
from harness.workloads import WORKLOADS, Workload
from harness.wrk import Measured

#: The name of the workload that is not HTTP.
CLI = "cli"

#: Seconds of unmeasured load before the first round.
_WARMUP = 0.5
_PACKAGES = ("fastapi", "starlette", "pydantic", "uvicorn", "uvloop", "httptools", "granian")


@dataclass(frozen=True)
class Sample:
    """One measurement.

    Attributes:
        workload: Its name.
        server: Its name.
        round: From 0.
        wrk: Result of wrk.
        cpu: CPU time per request of the server with its workers, in microseconds.
        foreign: Number of CPUs that other processes kept busy meanwhile.
    """

    workload: str
    server: str
    round: int
    wrk: Measured
    cpu: float
    foreign: float


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the tables, and returns the raw numbers."""
    rounds = arguments.rounds or (1 if arguments.quick else 5)
    seconds = arguments.seconds or (1 if arguments.quick else 3)
    chosen = [w for w in WORKLOADS if not arguments.only or w.name in arguments.only]
    samples: list[Sample] = []
    with all_servers(home) as servers:
        versions = _versions(home)
        for workload in chosen:
            measured = _measured(servers, workload)
            _check_answers(measured, workload)
            for server in measured:
                _warm(server, workload)
        for number in range(rounds):
            for workload in chosen:
                measured = _measured(servers, workload)
                for server in measured:
                    samples.append(_measure(server, workload, number, seconds))
                _progress(number, rounds, samples[-len(measured) :])
        wants_cli = not arguments.only or CLI in arguments.only
        called = command.measure(home, 100 if arguments.quick else 300) if wants_cli else None
    print(_setting(versions, rounds, seconds, samples))
    if chosen:
        print(f"\n{_throughput(chosen, samples)}\n\n{_latency(chosen, samples)}")
    if called:
        print(f"\n{command.table(called)}")
    if chosen:
        print(f"\n{_verdict(chosen, samples)}")
    return {
        "versions": versions,
        "rounds": rounds,
        "seconds": seconds,
        "samples": [asdict(sample) | {"wrk": sample.wrk.raw()} for sample in samples],
        "cli": called,
    }


def _measured(servers: Sequence[Server], workload: Workload) -> list[Server]:
    """Returns the servers that have the workload's routes."""
    return [server for server in servers if workload.on_axum or server.name != LIMIT]


def _check_answers(servers: Sequence[Server], workload: Workload) -> None:
    """Checks that all servers do the same work as the last one, uvicorn."""
    for request in workload.load.sent:
        answers = [fetch(server.url, request) for server in servers]
        for server, answer in zip(servers, answers, strict=True):
            right = answer.status == workload.status and _content(answer) == _content(answers[-1])
            if not right:
                raise wrk.WrkError(
                    f"{server.name} answers {request} with {answer.status} {answer.body[:200]!r}, "
                    f"expected {workload.status} {answers[-1].body[:200]!r}"
                )


def _content(answer: Answer) -> tuple[Any, ...]:
    """Returns what must be the same under all servers."""
    kind = answer.headers.get("content-type", "")
    body = json.loads(answer.body) if kind == "application/json" else answer.body
    return (body, kind, answer.headers.get("location"), answer.headers.get("x-mark"))


def _warm(server: Server, workload: Workload) -> None:
    """Sends the load for a moment, unmeasured."""
    running = wrk.Run(server.url, workload.load, 1)
    time.sleep(_WARMUP)
    running.stop()
    running.result()


def _measure(server: Server, workload: Workload, number: int, seconds: int) -> Sample:
    tree = process.tree(server.pid)
    machine, own = process.machine_cpu_seconds(), process.cpu_seconds(tree)
    measured = wrk.measure(server.url, workload.load, seconds)
    machine, own = process.machine_cpu_seconds() - machine, process.cpu_seconds(tree) - own
    # wrk counts all answers from 400 on, whether they are expected or not.
    wrong = measured.not_ok if workload.status < 400 else measured.requests - measured.not_ok
    if wrong:
        raise wrk.WrkError(f"{server.name} answered {wrong} requests of {workload.name} otherwise")
    return Sample(
        workload.name,
        server.name,
        number,
        measured,
        cpu=own * 1e6 / max(measured.requests, 1),
        foreign=max(0.0, machine - own - measured.cpu) * 1e6 / measured.microseconds,
    )


def _progress(number: int, rounds: int, samples: Sequence[Sample]) -> None:
    rates = ", ".join(f"{s.server} {report.count(s.wrk.per_second)}" for s in samples)
    print(f"round {number + 1}/{rounds}: {samples[0].workload}: {rates}", file=sys.stderr)


def _median(
    samples: Sequence[Sample], workload: Workload, server: str, of: Callable[[Sample], float]
) -> float | None:
    """Returns the median of one server, or `None` if it was not measured."""
    chosen = [s for s in samples if (s.workload, s.server) == (workload.name, server)]
    return statistics.median(map(of, chosen)) if chosen else None


def _ratio(samples: Sequence[Sample], workload: Workload, to: str) -> float | None:
    """Returns the median ratio of the daemon's requests per second to another server's."""
    rates = {(s.round, s.server): s.wrk.per_second for s in samples if s.workload == workload.name}
    ratios = [
        rate / rates[n, to]
        for (n, server), rate in rates.items()
        if server == DAEMON and (n, to) in rates
    ]
    return statistics.median(ratios) if ratios else None


def _shown(number: float | None, as_text: Callable[[float], str]) -> str:
    return "" if number is None else as_text(number)


def _throughput(workloads: Sequence[Workload], samples: Sequence[Sample]) -> str:
    head = ["requests/s", *NAMES, "/ axum", "/ Granian", "aim", "/ uvicorn"]
    rows = []
    for workload in workloads:
        rates = [_median(samples, workload, name, lambda s: s.wrk.per_second) for name in NAMES]
        axum, granian, uvicorn = (
            _shown(_ratio(samples, workload, name), report.ratio)
            for name in (LIMIT, GRANIAN, UVICORN)
        )
        shown = [_shown(rate, report.count) for rate in rates]
        rows.append([_title(workload), *shown, axum, granian, report.ratio(workload.aim), uvicorn])
    return report.table(head, rows)


def _verdict(workloads: Sequence[Workload], samples: Sequence[Sample]) -> str:
    """Returns a line with the median ratio to Granian and the workloads below their aim."""
    found = [(workload, _ratio(samples, workload, GRANIAN) or 0) for workload in workloads]
    median = statistics.median(ratio for _, ratio in found)
    under = [f"{w.name} {report.ratio(ratio)}" for w, ratio in found if ratio < w.aim]
    return f"Median ratio to Granian: {report.ratio(median)}. " + (
        f"Under their aim: {', '.join(under)}." if under else "All reach their aim."
    )


def _latency(workloads: Sequence[Workload], samples: Sequence[Sample]) -> str:
    head = ["p50 / p99 / CPU per request", *NAMES, "p50 above axum"]
    of: tuple[Callable[[Sample], float], ...]
    of = (lambda s: s.wrk.p50, lambda s: s.wrk.p99, lambda s: s.cpu)
    rows = []
    for workload in workloads:
        row = [_title(workload)]
        for name in NAMES:
            numbers = [_median(samples, workload, name, each) for each in of]
            row.append(" / ".join(report.time(n) for n in numbers if n is not None))
        ours, theirs = (_median(samples, workload, name, of[0]) for name in (DAEMON, LIMIT))
        above = None if ours is None or theirs is None else ours - theirs
        rows.append([*row, _shown(above, report.time)])
    return report.table(head, rows)


def _title(workload: Workload) -> str:
    connections = workload.load.connections
    return workload.title if connections == 1 else f"{workload.title}, {connections} connections"


def _versions(home: Home) -> dict[str, str]:
    """Returns the versions of the compared servers, from their common venv."""
    code = (
        "import importlib.metadata as m, json, platform, sys;"
        "print(json.dumps({'Python': platform.python_version()}"
        " | {name: m.version(name) for name in sys.argv[1:]}))"
    )
    asked = subprocess.run(
        [home.venv_python, "-I", "-c", code, *_PACKAGES], capture_output=True, text=True, check=True
    )
    return json.loads(asked.stdout)


def _setting(versions: dict[str, str], rounds: int, seconds: int, samples: Sequence[Sample]) -> str:
    """Returns a paragraph on the measurement, the machine, and its other load."""
    lines = [
        f"{platform.machine()}, {os.cpu_count()} CPUs; "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + f". Median of {rounds} rounds of {seconds} s."
    ]
    if samples:
        foreign = sorted(sample.foreign for sample in samples)
        lines.append(
            f"Other work on the machine: {statistics.median(foreign):.2f} CPUs in the median, "
            f"{foreign[-1]:.2f} at most."
        )
    failed = sum(sample.wrk.failed for sample in samples)
    if failed:
        lines.append(f"{failed} requests failed or took longer than 2 s.")
    return " ".join(lines)
