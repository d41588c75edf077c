"""What metrics, traces and the page cost a plain echo: two daemons under load at the same time."""

from __future__ import annotations

import argparse
import http.client
import os
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from harness import process, report
from harness.daemon import PLUGINS, Daemon, DaemonError, Home, daemon, home
from harness.request import Request, parse
from harness.workloads import ECHO
from harness.wrk import Load, Run

#: Of each of the two daemons.
_CONNECTIONS = 16
#: Seconds of load before the first comparison.
_WARMUP = 3
#: Seconds between two reads of the metrics; Prometheus reads every 15 or 60 seconds.
_SCRAPED = 1.0
#: A caller that records every call.
_PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class _Way:
    """One way to watch a daemon.

    Attributes:
        title: For the table.
        request: What is sent to it; the plain daemon gets the plain echo.
        is_watched: Whether the metrics are read and the page is open meanwhile.
        costs: CPU time per request, in multiples of that of the plain daemon at the same time.
    """

    title: str
    request: Request
    is_watched: bool
    costs: list[float] = field(default_factory=list)


def run(first: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers.

    The speed of a machine changes by more than what is measured: from one second to the next,
    from one process to the next, and with the processors on which threads wake each other. So both
    daemons run at the same time, started anew for each round, on one processor, and everything else
    on the others.
    """
    rounds, seconds = (3, 1) if arguments.quick else (30, 4)
    echo = parse(ECHO)
    ways = [
        _Way("nothing: another daemon of the same kind", echo, False),
        _Way("a collector, 10 traces a second", echo, False),
        _Way("the same, metrics read every second, page open", echo, True),
        _Way("a collector, each call is traced", echo.with_header("traceparent", _PARENT), False),
    ]
    with ExitStack() as stack:
        traced = f'[traces]\nendpoint = "{stack.enter_context(_collector())}"\n'
        twin, watched = (stack.enter_context(_home(first, each)) for each in ("", traced))
        for _ in range(rounds):
            with (
                daemon(first, [PLUGINS / "bench"]) as plain,
                daemon(twin, [PLUGINS / "bench"]) as equal,
                daemon(watched, [PLUGINS / "bench"]) as other,
                _apart([plain, equal, other]),
            ):
                # Otherwise the plain one alone would be warm from the second comparison on.
                for warmed in [
                    Run(each.url, Load((echo,)), _WARMUP) for each in (plain, equal, other)
                ]:
                    warmed.result()
                for way in ways:
                    compared = equal if way is ways[0] else other
                    way.costs.append(_compare(plain, compared, way, echo, seconds))
    head = ["watched by", "CPU per request", "standard error", "least", "most"]
    print(report.table(head, [_row(way) for way in ways]))
    return {way.title: way.costs for way in ways}


@contextmanager
def _apart(daemons: Sequence[Daemon]) -> Iterator[None]:
    """Has daemons run on one processor, and this program and the load on the others."""
    all_of_them = os.sched_getaffinity(0)
    processor, *others = sorted(all_of_them)
    if not others:
        raise DaemonError("two processors are needed: one for the daemons, one for the load")
    for each in daemons:
        process.pin(each.pid, {processor})
    process.pin(os.getpid(), set(others))
    try:
        yield
    finally:
        # A daemon has as many I/O threads as it sees processors when it starts.
        process.pin(os.getpid(), all_of_them)


def _compare(plain: Daemon, other: Daemon, way: _Way, echo: Request, seconds: int) -> float:
    """Returns the CPU time per request of the other in multiples of that of the plain one."""
    with ExitStack() as stack:
        if way.is_watched:
            stack.enter_context(_watching(other))
        before = [process.cpu_seconds([each.pid]) for each in (plain, other)]
        sent = ((plain, echo), (other, way.request))
        runs = [Run(each.url, Load((what,), _CONNECTIONS), seconds) for each, what in sent]
        measured = [each.result() for each in runs]
        after = [process.cpu_seconds([each.pid]) for each in (plain, other)]
    of_plain, of_other = (
        (end - begin) / each.requests
        for begin, end, each in zip(before, after, measured, strict=True)
    )
    return of_other / of_plain


def _row(way: _Way) -> Sequence[str]:
    mean, error = statistics.mean(way.costs), statistics.stdev(way.costs) / len(way.costs) ** 0.5
    shown = [mean, error, min(way.costs), max(way.costs)]
    return [way.title, *(f"{each:.3f}" for each in shown)]


@contextmanager
def _home(first: Home, settings: str) -> Iterator[Home]:
    """A home of its own, with `config.toml`."""
    with home(first.binaries) as second:
        directory = second.directory / ".config/skills-daemon"
        directory.mkdir(parents=True)
        (directory / "config.toml").write_text(settings)
        yield second


@contextmanager
def _collector() -> Iterator[str]:
    """Returns the URL of a collector that takes everything and keeps nothing."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def _watching(started: Daemon) -> Iterator[None]:
    """Reads the metrics and the page's stream, as Prometheus and a browser do."""
    done = threading.Event()
    address = urlsplit(started.url).netloc

    def scrape() -> None:
        while not done.wait(_SCRAPED):
            connection = http.client.HTTPConnection(address, timeout=30)
            connection.request("GET", "/metrics")
            connection.getresponse().read()
            connection.close()

    def follow() -> None:
        connection = http.client.HTTPConnection(address, timeout=30)
        connection.request("GET", "/-/live")
        answer = connection.getresponse()
        while not done.is_set() and answer.readline():
            pass
        connection.close()

    readers = [threading.Thread(target=each) for each in (scrape, follow)]
    for reader in readers:
        reader.start()
    try:
        yield
    finally:
        done.set()
        for reader in readers:
            reader.join()
