"""What metrics, traces and the page cost a plain echo: two daemons, with and without, in turns."""

from __future__ import annotations

import argparse
import http.client
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from harness import process, report, wrk
from harness.daemon import PLUGINS, Daemon, Home, daemon, home
from harness.request import Request, parse
from harness.workloads import ECHO
from harness.wrk import Load

#: Seconds between two reads of the metrics; Prometheus reads every 15 or 60 seconds.
_SCRAPED = 1.0
#: A caller that records every call.
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass
class _Way:
    """One way to watch a daemon.

    Attributes:
        title: For the table.
        request: What is sent to it; the plain daemon gets the plain echo.
        is_watched: Whether the metrics are read and the page is open meanwhile.
        rates: Requests per second, in multiples of those of the plain daemon just before or after.
        costs: CPU time per request, likewise.
    """

    title: str
    request: Request
    is_watched: bool
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


def run(first: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    rounds, seconds = (2, 1) if arguments.quick else (20, 3)
    echo = parse(ECHO)
    ways = [
        _Way("another daemon of the same kind", echo, False),
        _Way("collector, 10 traces a second", echo, False),
        _Way("and metrics read every second, page open", echo, True),
        _Way("collector, each call is traced", echo.with_header("traceparent", PARENT), False),
    ]
    with ExitStack() as stack:
        plain = stack.enter_context(daemon(first, [PLUGINS / "bench"]))
        twin = stack.enter_context(_other(first, ""))
        traced = f'[traces]\nendpoint = "{stack.enter_context(collector())}"\n'
        watched = stack.enter_context(_other(first, traced))
        for number in range(rounds):
            for way in ways:
                other = twin if way is ways[0] else watched
                _compare(plain, other, way, echo, seconds, number % 2 == 0)
    head = ["watched by", "requests/s", "least", "most", "CPU per request"]
    print(report.table(head, [_row(way) for way in ways]))
    return {way.title: {"rates": way.rates, "costs": way.costs} for way in ways}


def _compare(
    plain: Daemon, other: Daemon, way: _Way, echo: Request, seconds: int, plain_first: bool
) -> None:
    """Measures both, one right after the other."""

    def of_plain() -> tuple[float, float]:
        return _measure(plain, echo, seconds)

    def of_other() -> tuple[float, float]:
        with ExitStack() as stack:
            if way.is_watched:
                stack.enter_context(_watching(other))
            return _measure(other, way.request, seconds)

    if plain_first:
        (rate, cost), (other_rate, other_cost) = of_plain(), of_other()
    else:
        (other_rate, other_cost), (rate, cost) = of_other(), of_plain()
    way.rates.append(other_rate / rate)
    way.costs.append(other_cost / cost)


def _measure(started: Daemon, request: Request, seconds: int) -> tuple[float, float]:
    """Returns requests per second, and CPU seconds per request of the daemon."""
    before = process.cpu_seconds([started.pid])
    measured = wrk.measure(started.url, Load((request,)), seconds)
    used = process.cpu_seconds([started.pid]) - before
    return measured.per_second, used / measured.requests


def _row(way: _Way) -> Sequence[str]:
    rates, costs = sorted(way.rates), statistics.median(way.costs)
    shown = [statistics.median(rates), rates[0], rates[-1], costs]
    return [way.title, *(f"{each:.3f}" for each in shown)]


@contextmanager
def _other(first: Home, settings: str) -> Iterator[Daemon]:
    """A daemon in a home of its own, with `config.toml`."""
    with home(first.binaries) as second:
        directory = second.directory / ".config/skills-daemon"
        directory.mkdir(parents=True)
        (directory / "config.toml").write_text(settings)
        with daemon(second, [PLUGINS / "bench"]) as started:
            yield started


@contextmanager
def collector() -> Iterator[str]:
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
