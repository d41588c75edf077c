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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness import command, process, report, wrk
from harness.daemon import Home
from harness.servers import DAEMON, GRANIAN, LIMIT, NAMES, UVICORN, Server, all_servers, fetch
from harness.workloads import WORKLOADS, Workload
from harness.wrk import Measured

#: The name of the workload that is not HTTP.
CLI = "cli"

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
    rounds = arguments.rounds or (3 if arguments.quick else 5)
    seconds = arguments.seconds or (1 if arguments.quick else 3)
    chosen = [w for w in WORKLOADS if not arguments.only or w.name in arguments.only]
    samples: list[Sample] = []
    with all_servers(home) as servers:
        versions = _versions(home)
        for workload in chosen:
            _check_answers(servers, workload)
            for server in servers:
                wrk.measure(server.url, workload.load, 1)
        for number in range(rounds):
            for workload in chosen:
                for server in servers:
                    samples.append(_measure(server, workload, number, seconds))
                _progress(number, rounds, samples[-len(servers) :])
        wants_cli = not arguments.only or CLI in arguments.only
        called = command.measure(home, 100 if arguments.quick else 300) if wants_cli else None
    print(_setting(versions, rounds, seconds, samples))
    if chosen:
        print(f"\n{_throughput(chosen, samples)}\n\n{_latency(chosen, samples)}")
    if called:
        print(f"\n{command.table(called)}")
    return {
        "versions": versions,
        "rounds": rounds,
        "seconds": seconds,
        "samples": [asdict(sample) | {"wrk": sample.wrk.raw()} for sample in samples],
        "cli": called,
    }


def _check_answers(servers: Sequence[Server], workload: Workload) -> None:
    """Checks that all servers do the same work."""
    for request in workload.load.requests:
        answers = [fetch(server.url, request) for server in servers]
        expected = next(a for a, s in zip(answers, servers, strict=True) if s.name == LIMIT)
        for server, answer in zip(servers, answers, strict=True):
            same = answer.status == 200 and json.loads(answer.body) == json.loads(expected.body)
            if not same:
                raise wrk.WrkError(
                    f"{server.name} answers {request} with {answer.status} {answer.body[:200]!r}"
                )


def _measure(server: Server, workload: Workload, number: int, seconds: int) -> Sample:
    tree = process.tree(server.pid)
    machine, own = process.machine_cpu_seconds(), process.cpu_seconds(tree)
    measured = wrk.measure(server.url, workload.load, seconds)
    machine, own = process.machine_cpu_seconds() - machine, process.cpu_seconds(tree) - own
    if measured.not_ok:
        raise wrk.WrkError(f"{server.name} failed {measured.not_ok} requests of {workload.name}")
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
) -> float:
    chosen = [s for s in samples if (s.workload, s.server) == (workload.name, server)]
    return statistics.median(of(sample) for sample in chosen)


def _ratio(samples: Sequence[Sample], workload: Workload, to: str) -> str:
    """Returns the median ratio of the daemon's requests per second to another server's."""
    rates = {(s.round, s.server): s.wrk.per_second for s in samples if s.workload == workload.name}
    ratios = [rate / rates[n, to] for (n, server), rate in rates.items() if server == DAEMON]
    return report.ratio(statistics.median(ratios))


def _throughput(workloads: Sequence[Workload], samples: Sequence[Sample]) -> str:
    head = ["requests/s", *NAMES, "/ axum", "/ Granian", "/ uvicorn"]
    rows = []
    for workload in workloads:
        rates = [_median(samples, workload, name, lambda s: s.wrk.per_second) for name in NAMES]
        ratios = [_ratio(samples, workload, name) for name in (LIMIT, GRANIAN, UVICORN)]
        rows.append([_title(workload), *map(report.count, rates), *ratios])
    return report.table(head, rows)


def _latency(workloads: Sequence[Workload], samples: Sequence[Sample]) -> str:
    head = ["p50 / p99 / CPU per request", *NAMES, "p50 above axum"]
    rows = []
    for workload in workloads:
        row = [_title(workload)]
        p50s = {name: _median(samples, workload, name, lambda s: s.wrk.p50) for name in NAMES}
        for name in NAMES:
            p99 = _median(samples, workload, name, lambda s: s.wrk.p99)
            cpu = _median(samples, workload, name, lambda s: s.cpu)
            row.append(" / ".join(map(report.time, (p50s[name], p99, cpu))))
        rows.append([*row, report.time(p50s[DAEMON] - p50s[LIMIT])])
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
