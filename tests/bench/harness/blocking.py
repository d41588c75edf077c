"""Ten parallel calls that block their plugin's loop.

By default they are answered one after the other, which is what the plugin was written for; with
`"daemon": {"loops": n}` in its manifest they may overlap.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness import report
from harness.daemon import PLUGINS, Home, daemon
from harness.servers import fetch

_CALLS = 10
_MILLISECONDS = 200
_LOOPS = 4
_TIMES = 3


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    names = {"blocking": "one loop (default)", "blocking-loops": f"`loops`: {_LOOPS}"}
    plugins = [PLUGINS / "blocking", _with_loops(home)]
    taken: dict[str, list[float]] = {}
    with daemon(home, plugins) as started:
        for name in names:
            request = f"GET /{name}/call?milliseconds={_MILLISECONDS}"
            times = 1 if arguments.quick else _TIMES
            taken[name] = [_seconds(started.url, request) for _ in range(times)]
    calls = f"{_CALLS} parallel calls of {_MILLISECONDS} ms"
    rows = [[title, report.time(min(taken[name]) * 1e6)] for name, title in names.items()]
    print(report.table([calls, "until the last answer"], rows))
    return {"calls": _CALLS, "milliseconds": _MILLISECONDS, "seconds": taken}


def _with_loops(home: Home) -> Path:
    copy = home.directory / "blocking-loops"
    shutil.copytree(PLUGINS / "blocking", copy)
    (copy / "manifest.json").write_text(json.dumps({"daemon": {"loops": _LOOPS}}))
    return copy


def _seconds(url: str, request: str) -> float:
    begun = time.monotonic()
    with ThreadPoolExecutor(_CALLS) as pool:
        answers = list(pool.map(lambda _: fetch(url, request), range(_CALLS)))
    assert all(answer.status == 200 for answer in answers), answers
    return time.monotonic() - begun
