"""How many instructions a plain echo takes, with traces and without: other load does not matter."""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import report
from harness.daemon import PLUGINS, Daemon, DaemonError, Home, daemon
from harness.observed import PARENT, collector
from harness.request import parse
from harness.workloads import ECHO

#: Clients that send one request after the other, each on a connection of its own.
_CLIENTS = 8
#: Requests of a client before the first count: Python specializes its bytecode meanwhile.
_WARMUP = 500
#: Seconds that starting and loading may take: every instruction is simulated.
_LOADING_MAX = 900
#: Traces a second where nothing is set.
_DEFAULT_RATE = 10
#: Requests a second of a daemon that is busy, for what traces cost it.
_BUSY = 10_000


@dataclass
class _Row:
    """One way to send requests to a daemon.

    Attributes:
        title: For the table.
        settings: The daemon's `config.toml`.
        headers: Of each request.
        counts: Instructions per request, once for each count.
    """

    title: str
    settings: str
    headers: dict[str, str]
    counts: list[float] = field(default_factory=list)

    @property
    def count(self) -> float:
        """The mean of the counts."""
        return statistics.mean(self.counts)

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return statistics.stdev(self.counts) / len(self.counts) ** 0.5


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    counts, requests = (2, 100) if arguments.quick else (10, 250)
    with daemon(home, [PLUGINS / "bench"]):
        pass  # Its venv is filled: only what serves is simulated from here on.
    with collector() as endpoint:
        on = f'[traces]\nendpoint = "{endpoint}"\nper_second = 0\n'
        rows = [
            _Row("no collector", "", {}),
            _Row("a collector, the call is not traced", on, {}),
            _Row("a collector, the call is traced", on, {"traceparent": PARENT}),
        ]
        for settings in ("", on):
            of_daemon = [row for row in rows if row.settings == settings]
            with _simulated(home, settings) as (started, dumps):
                _load(started, _WARMUP, {})
                # The first traced call makes the daemon a provider of the OpenTelemetry API.
                _load(started, 1, of_daemon[-1].headers)
                # One after the other: spans are sent seconds later, among the calls of then.
                for row in of_daemon:
                    _count(started, dumps, requests, row.headers)
                    for _ in range(counts):
                        row.counts.append(_count(started, dumps, requests, row.headers))
    plain, untraced, traced = rows
    print(report.table(["echo", "instructions", "standard error"], [_line(row) for row in rows]))
    share = (traced.count - untraced.count) * _DEFAULT_RATE / (_BUSY * plain.count)
    sampled = f"{_DEFAULT_RATE} traces among {_BUSY:,} requests"
    print(f"\n{sampled}: {untraced.count / plain.count - 1 + share:+.2%} instructions")
    return {row.title: row.counts for row in rows}


def _line(row: _Row) -> list[str]:
    return [row.title, report.count(row.count), report.count(row.error)]


@contextmanager
def _simulated(home: Home, settings: str) -> Iterator[tuple[Daemon, Path]]:
    """A daemon whose instructions are counted, and where the counts are written."""
    config = home.directory / ".config/skills-daemon/config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(settings)
    environment = home.environment([PLUGINS / "bench"])
    with ExitStack() as stack:
        dumps = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skb-")))
        log = stack.enter_context((dumps / "log").open("w"))
        options = ["--tool=callgrind", "--trace-children=yes", f"--log-file={dumps}/valgrind.%p"]
        options += ["--trace-children-skip=*/uv,*python*", f"--callgrind-out-file={dumps}/out.%p"]
        command = ["valgrind", *options, str(home.binaries / "skills-daemon")]
        try:
            simulated = subprocess.Popen(
                [*command, "start", "--foreground"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError:
            raise DaemonError("there is no valgrind: install the package `valgrind`") from None
        try:
            yield _loaded(home, simulated, environment), dumps
        finally:
            simulated.terminate()
            simulated.wait(_LOADING_MAX)


def _loaded(home: Home, simulated: subprocess.Popen[bytes], environment: dict[str, str]) -> Daemon:
    """Waits until the plugin serves; `status` is not simulated."""
    command = [home.binaries / "skills-daemon", "status", "--json"]
    deadline = time.monotonic() + _LOADING_MAX
    while time.monotonic() < deadline and simulated.poll() is None:
        asked = subprocess.run(command, env=environment, capture_output=True, text=True)
        status = json.loads(asked.stdout or "{}")
        states = {plugin["name"]: plugin["state"] for plugin in status.get("plugins", [])}
        if states.get("bench") == "ready":
            return Daemon(status["pid"], f"http://127.0.0.1:{status['port']}")
        time.sleep(1)
    raise DaemonError("the daemon does not serve under valgrind")


def _count(started: Daemon, dumps: Path, requests: int, headers: dict[str, str]) -> float:
    """Returns the instructions per request."""
    _control("--zero", started)
    _load(started, requests, headers)
    before = set(dumps.glob("out.*"))
    _control("--dump", started)
    written = set(dumps.glob("out.*")) - before
    totals = [
        int(line.split()[1])
        for path in written
        for line in path.read_text(errors="replace").splitlines()
        if line.startswith("totals:")
    ]
    if not totals:
        raise DaemonError("valgrind wrote no count")
    return sum(totals) / (_CLIENTS * requests)


def _control(order: str, started: Daemon) -> None:
    command = ["callgrind_control", order, str(started.pid)]
    subprocess.run(command, check=True, capture_output=True)


def _load(started: Daemon, requests: int, headers: dict[str, str]) -> None:
    """Has each client send so many requests."""
    failures: list[str] = []

    def client() -> None:
        connection = http.client.HTTPConnection(urlsplit(started.url).netloc, timeout=60)
        for _ in range(requests):
            echo = parse(ECHO)
            connection.request(echo.method, echo.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                failures.append(f"{echo}: {answer.status} {body!r}")
                return
        connection.close()

    clients = [threading.Thread(target=client) for _ in range(_CLIENTS)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if failures:
        raise DaemonError(failures[0])
