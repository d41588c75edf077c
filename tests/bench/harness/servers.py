"""The compared servers."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.daemon import BENCH, LOOK_AGAIN, PLUGINS, Home, daemon
from harness.request import Request, parse

#: Seconds from a server's start to its first answer.
_START_MAX = 30

DAEMON, LIMIT, GRANIAN, UVICORN = "daemon", "axum", "Granian", "uvicorn"
NAMES = (DAEMON, LIMIT, GRANIAN, UVICORN)


class ServerError(Exception):
    """A server does not start."""


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        name: One of `NAMES`.
        url: Where.
        pid: Its process; its workers are below it.
    """

    name: str
    url: str
    pid: int


@dataclass(frozen=True)
class Answer:
    """An answer to one request.

    Attributes:
        status: Its number.
        body: All of it.
        headers: By name in small letters.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]


def fetch(url: str, request: str | Request, timeout: float = 30) -> Answer:
    """Sends one request, which may be `METHOD PATH BODY`, over a connection of its own."""
    if isinstance(request, str):
        request = parse(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout)
    try:
        connection.request(request.method, request.path, request.body, dict(request.headers))
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, response.read(), headers)
    finally:
        connection.close()


@contextmanager
def all_servers(home: Home) -> Iterator[list[Server]]:
    """Every server of `NAMES`, in this order, with the bench plugin; one worker each."""
    with ExitStack() as stack:
        started = stack.enter_context(daemon(home, [PLUGINS / "bench"]))
        python = str(home.venv_python)
        granian = [python, "-m", "granian", "--interface", "asgi", "--workers", "1"]
        # With its standard extras, and without the access log, which Granian does not write either.
        uvicorn = [python, "-m", "uvicorn", "--loop", "uvloop", "--http", "httptools"]
        uvicorn += ["--no-access-log", "--log-level", "warning"]
        yield [
            Server(DAEMON, started.url, started.pid),
            stack.enter_context(_limit(home)),
            stack.enter_context(_python_server(home, GRANIAN, granian)),
            stack.enter_context(_python_server(home, UVICORN, uvicorn)),
        ]


@contextmanager
def _limit(home: Home) -> Iterator[Server]:
    executable = home.binaries / "examples/limit"
    process = subprocess.Popen(
        [executable], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Server(LIMIT, f"http://127.0.0.1:{port}", process.pid)
    finally:
        _end(process)


@contextmanager
def _python_server(home: Home, name: str, command: list[str]) -> Iterator[Server]:
    port = _free_port()
    log = home.directory / f"{name}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port), "app:app"],
            cwd=BENCH,
            env=home.environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        server = Server(name, f"http://127.0.0.1:{port}", process.pid)
        _wait_until_it_answers(server, process, log)
        yield server
    finally:
        _end(process)


def _free_port() -> int:
    """Returns a port that the system chose; neither server reports the one it gets for 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_it_answers(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_MAX
    while time.monotonic() < deadline and process.poll() is None:
        try:
            fetch(server.url, "GET /bench/sleep")
            return
        except OSError:
            time.sleep(LOOK_AGAIN)
    raise ServerError(f"{server.name} does not start:\n{log.read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Ends a server that leads a group of its own, with its workers."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
