"""Cost of a warm call of the CLI, beside that of starting an executable."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from harness import report
from harness.daemon import DaemonError, Home

_CALL = ("bench", "async", "abc", "--count", "3", "--loud", "--json")
_WARMUP = 20


def measure(home: Home, runs: int) -> dict[str, list[float]]:
    """Times calls of a plugin, and of the client without a call; microseconds of each run."""
    commands = {
        "warm call": [str(home.client), *_CALL],
        "`skills-client --version`": [str(home.client), "--version"],
        "`true`": [shutil.which("true") or "/bin/true"],
    }
    _check(home, commands["warm call"])
    timed = _with_hyperfine if shutil.which("hyperfine") else _by_hand
    return {name: timed(home, words, runs) for name, words in commands.items()}


def table(measured: dict[str, list[float]]) -> str:
    """Returns the numbers in Markdown."""
    rows = []
    for name, times in measured.items():
        ordered = sorted(times)
        numbers = [ordered[0], statistics.median(ordered), ordered[int(len(ordered) * 0.99)]]
        rows.append([name, *map(report.time, numbers), str(len(times))])
    return report.table(["CLI", "least", "p50", "p99", "runs"], rows)


def _check(home: Home, words: list[str]) -> None:
    done = subprocess.run(words, env=home.environment(), capture_output=True, text=True)
    try:
        right = json.loads(done.stdout) == {"word": "abc", "count": 3, "loud": True}
    except ValueError:
        right = False
    if done.returncode != 0 or not right:
        raise DaemonError(f"the client does not call: {done.stdout}{done.stderr}")


def _with_hyperfine(home: Home, words: list[str], runs: int) -> list[float]:
    exported = home.directory / "hyperfine.json"
    options = ["-N", "--style", "none", "--warmup", str(_WARMUP), "--runs", str(runs)]
    subprocess.run(
        ["hyperfine", *options, "--export-json", exported, " ".join(words)],
        env=home.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return [seconds * 1e6 for seconds in _exported(exported)["times"]]


def _exported(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())["results"][0]


def _by_hand(home: Home, words: list[str], runs: int) -> list[float]:
    environment = home.environment()
    times = []
    for _ in range(_WARMUP + runs):
        begun = time.perf_counter()
        subprocess.run(words, env=environment, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - begun) * 1e6)
    return times[_WARMUP:]
