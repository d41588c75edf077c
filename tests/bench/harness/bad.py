"""A good plugin beside four bad ones: segfault, `os._exit`, endless loop, leak of threads."""

from __future__ import annotations

import argparse
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from harness import report
from harness.daemon import PLUGINS, Home, daemon

_BAD = (
    ("leaky", "leak"),
    ("segfault", "crash"),
    ("exits", "leave"),
    ("segfault", "crash"),
    ("exits", "leave"),
    ("leaky", "leak"),
    ("endless", "spin"),
)
_GOOD = ["bench", "async", "abc", "--count", "3"]
#: Seconds that a bad call gets; the endless one is given up then.
_BAD_MAX = 5
#: Seconds from a bad call to the next, and after the last.
_PAUSE = 4
_CLIENTS = 4


@dataclass
class _Load:
    """The good plugin's calls: when each ended, its milliseconds, and its error."""

    calls: list[tuple[float, float, str]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints what `status` and `doctor` say and the table; returns the raw numbers."""
    pause = 2 if arguments.quick else _PAUSE
    plugins = [PLUGINS / name for name in ("bench", "segfault", "exits", "endless", "leaky")]
    with daemon(home, plugins):
        load = _Load()
        threads = [
            threading.Thread(target=_good, args=(home, plugins, load)) for _ in range(_CLIENTS)
        ]
        for thread in threads:
            thread.start()
        deaths = []
        for bad in _BAD:
            time.sleep(pause)
            said, ended = _bad(home, plugins, bad), time.monotonic()
            print(f"{' '.join(bad)}: {said}")
            if "the daemon went away" in said:
                deaths.append(ended)
        time.sleep(pause)
        load.stopped.set()
        for thread in threads:
            thread.join()
        for command in (["status"], ["doctor"]):
            done = _run(home, plugins, "skills-daemon", command)
            print(f"\n$ skills-daemon {' '.join(command)}\n{done.stdout}")
    return _shown(load, deaths)


def _shown(load: _Load, deaths: list[float]) -> dict[str, Any]:
    took = sorted(took for _, took, error in load.calls if not error)
    failed = [(at, error) for at, _, error in load.calls if error]
    # A call that was under way when the process died ends within two seconds of that.
    others = [error for at, error in failed if all(abs(at - death) > 2 for death in deaths)]
    p99 = took[len(took) * 99 // 100]
    numbers = [len(load.calls), len(deaths), len(failed), len(others)]
    row = ["good plugin", *map(str, numbers), report.time(took[len(took) // 2] * 1000)]
    row += [report.time(p99 * 1000), report.time(took[-1] * 1000)]
    head = ["", "calls", "deaths", "failed", "of these at no death", "p50", "p99", "most"]
    print(report.table(head, [row]))
    for error in sorted({error for _, error in failed}):
        print(f"  failed: {error}")
    return {"calls": load.calls, "deaths": deaths, "others": others}


def _good(home: Home, plugins: list[Any], load: _Load) -> None:
    while not load.stopped.is_set():
        begun = time.monotonic()
        done = _run(home, plugins, "skills-client", _GOOD)
        ended = time.monotonic()
        error = "" if done.returncode == 0 else (done.stderr or done.stdout).strip()
        load.calls.append((ended, (ended - begun) * 1000, error.splitlines()[0] if error else ""))


def _bad(home: Home, plugins: list[Any], bad: tuple[str, str]) -> str:
    try:
        done = _run(home, plugins, "skills-client", list(bad), _BAD_MAX)
    except subprocess.TimeoutExpired:
        return f"no answer in {_BAD_MAX} s, given up"
    return (done.stderr or done.stdout).strip().splitlines()[0]


def _run(
    home: Home, plugins: list[Any], program: str, words: list[str], limit: float = 60
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [home.binaries / program, *words],
        env=home.environment(plugins),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=limit,
    )
