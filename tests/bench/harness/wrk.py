"""The load generator."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.request import Request, as_lua, parse

_SCRIPT = Path(__file__).parent.parent / "wrk.lua"
_THREADS_MAX = 2


class WrkError(Exception):
    """`wrk` is not installed, or did not measure."""


@dataclass(frozen=True)
class Load:
    """Requests to send.

    Attributes:
        requests: Sent in turn by each thread; a text is `METHOD PATH BODY`.
        connections: Number of connections.
        pause: Milliseconds between two requests of a connection.
    """

    requests: tuple[str | Request, ...]
    connections: int = 32
    pause: int = 0

    @property
    def sent(self) -> list[Request]:
        """The requests, none of them as text."""
        return [parse(each) if isinstance(each, str) else each for each in self.requests]


@dataclass(frozen=True)
class Measured:
    """A result; times in microseconds.

    Attributes:
        not_ok: Answers with a status from 400 on.
        failed: Connections, reads and writes that failed or took longer than two seconds.
        cpu: CPU time that wrk itself used, in seconds.
    """

    requests: int
    microseconds: int
    not_ok: int
    failed: int
    p50: int
    p99: int
    max: int
    cpu: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests * 1e6 / self.microseconds

    def raw(self) -> dict[str, Any]:
        """Returns the result as data."""
        return {**asdict(self), "per_second": self.per_second}


def check() -> None:
    """Checks that `wrk` is installed.

    Raises:
        WrkError: There is none.
    """
    if shutil.which("wrk") is None:
        raise WrkError("there is no wrk: install the package `wrk` (apt, dnf or brew install wrk)")


class Run:
    """A running `wrk`."""

    def __init__(self, url: str, load: Load, seconds: int) -> None:
        threads = min(_THREADS_MAX, os.cpu_count() or 1, load.connections)
        options = [f"-t{threads}", f"-c{load.connections}", f"-d{seconds}s", "-s", str(_SCRIPT)]
        self._requests = tempfile.NamedTemporaryFile("w", prefix="skb-", suffix=".lua")  # noqa: SIM115
        self._requests.write(as_lua(load.sent))
        self._requests.flush()
        self._before = _children_cpu()
        self._process = subprocess.Popen(
            ["wrk", *options, url, "--", str(load.pause), self._requests.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._limit = seconds + 30

    def stop(self) -> None:
        """Ends the load before its time."""
        self._process.send_signal(signal.SIGINT)

    def result(self) -> Measured:
        """Waits for the end.

        Raises:
            WrkError: It did not measure; the message is its output.
        """
        try:
            output, _ = self._process.communicate(timeout=self._limit)
        finally:
            self._process.kill()
            self._requests.close()
        lines = output.strip().splitlines()
        if self._process.returncode != 0 or not lines or not lines[-1].startswith("{"):
            raise WrkError(f"wrk failed: {output.strip()}")
        return Measured(**json.loads(lines[-1]), cpu=_children_cpu() - self._before)


def measure(url: str, load: Load, seconds: int) -> Measured:
    """Sends `load` for some seconds."""
    return Run(url, load, seconds).result()


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
