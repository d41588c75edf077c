"""Requests that fail while the daemon is restarted and upgraded under load."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import report, wrk
from harness.daemon import LOOK_AGAIN, PLUGINS, DaemonError, Home, daemon
from harness.servers import fetch
from harness.workloads import ECHO
from harness.wrk import Load

#: About 2,000 requests per second, so that a new process finds some CPU time too.
_LOAD = Load((ECHO,), connections=32, pause=16)
#: Longer than any of the loads, which are stopped.
_SECONDS_MAX = 900
#: Seconds until a daemon that was upgraded serves.
_UPGRADE_MAX = 120
#: An answer that takes five seconds, and its last line.
_STREAM, _STREAM_END = "GET /demo/count?to=50&delay=0.1", b"50"
#: A package that FastAPI imports, and the version to begin with.
_PACKAGE, _OLD_VERSION = "annotated-types", "0.6.0"
_EXECUTABLES = ("skills-client", "skills-daemon", "skills-host")


@dataclass(frozen=True)
class Result:
    """One kind of restart under load.

    Attributes:
        times: Seconds of each one, until the new process serves.
        requests: Answered requests.
        per_second: Their rate.
        failed: Requests that failed or were answered with an error.
        cut_streams: Streamed answers that were not whole.
    """

    times: Sequence[float]
    requests: int
    per_second: float
    failed: int
    cut_streams: int


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    times = 3 if arguments.quick else 20
    copied = _copied(home)
    plugins = [PLUGINS / "bench"]
    with daemon(copied, plugins):
        pass
    _install(copied, f"{_PACKAGE}=={_OLD_VERSION}")

    def restart() -> None:
        copied.control("restart", plugins=plugins)

    results = {}
    with daemon(copied, plugins) as started:
        for name, count, change in (
            (f"{times} restarts", times, restart),
            ("another executable", 1, lambda: _replace_host(copied)),
            ("another version of a package", 1, lambda: _install(copied, "-U", _PACKAGE)),
        ):
            results[name] = _under_load(copied, started.url, count, change)
    print(_table(results))
    return {name: asdict(result) for name, result in results.items()}


def _under_load(home: Home, url: str, count: int, change: Callable[[], None]) -> Result:
    streams: list[bool] = []
    load = wrk.Run(url, _LOAD, _SECONDS_MAX)
    times = []
    for _ in range(count):
        stream = threading.Thread(target=lambda: streams.append(_stream_is_whole(url)))
        stream.start()
        old = _pid(home)
        begun = time.monotonic()
        change()
        while _pid(home) == old:
            if time.monotonic() - begun > _UPGRADE_MAX:
                raise DaemonError("no new process serves")
            time.sleep(LOOK_AGAIN)
        times.append(time.monotonic() - begun)
        stream.join()
    load.stop()
    measured = load.result()
    failed = measured.failed + measured.not_ok
    return Result(times, measured.requests, measured.per_second, failed, streams.count(False))


def _stream_is_whole(url: str) -> bool:
    try:
        answer = fetch(url, _STREAM)
    except OSError:
        return False
    return answer.status == 200 and answer.body.split()[-1:] == [_STREAM_END]


def _pid(home: Home) -> int:
    return int(json.loads(home.control("status", "--json"))["pid"])


def _copied(home: Home) -> Home:
    """Returns the home with executables of its own, which may be replaced."""
    directory = home.directory / "executables"
    directory.mkdir()
    for name in _EXECUTABLES:
        shutil.copy2(home.binaries / name, directory / name)
    return Home(home.directory, directory)


def _replace_host(home: Home) -> None:
    """Puts another file in place of the host, as an installer does it."""
    host = home.binaries / "skills-host"
    new = host.with_suffix(".new")
    shutil.copy2(host, new)
    with new.open("ab") as file:
        # Not loaded, but another file.
        file.write(b"\0")
    os.replace(new, host)


def _install(home: Home, *packages: str) -> None:
    uv = shutil.which("uv") or next(map(str, _tools(home)), None)
    if uv is None:
        raise DaemonError("there is no uv")
    command = [uv, "pip", "install", "--quiet", "--python", str(home.venv_python), *packages]
    subprocess.run(command, check=True, env=home.environment())


def _tools(home: Home) -> list[Path]:
    return [path for path in (home.runtime / "tools").rglob("uv") if path.is_file()]


def _table(results: dict[str, Result]) -> str:
    head = ["under load", "requests/s", "requests", "failed", "cut streams", "median", "longest"]
    rows = []
    for name, result in results.items():
        counts = (result.per_second, result.requests, result.failed, result.cut_streams)
        median, longest = statistics.median(result.times), max(result.times)
        times = [report.time(seconds * 1e6) for seconds in (median, longest)]
        rows.append([name, *map(report.count, counts), *times])
    return report.table(head, rows)
