"""Many plugins: start, one edit among them, idle CPU, watches and memory."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from harness import process, reload, report
from harness.daemon import Home, daemon

_COUNT = 300
_ROUTES = 20
#: Seconds over which CPU time is counted.
_IDLE = 60
#: Seconds until what a start leaves to do is done.
_SETTLING = 5

_HEAD = """
from fastapi import APIRouter

router = APIRouter()


@router.get("/number")
async def number():
    return {number}
"""
_ROUTE = """

@router.get("/r{at}/{{key}}")
async def r{at}(key: str, count: int = 1, loud: bool = False):
    \"\"\"Route {at}.\"\"\"
    return {{"key": key, "count": count, "loud": loud}}
"""
_TAIL = """

class ThePlugin:
    name = "{name}"
    router = router
"""


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    count, idle, edits = (30, 5, 3) if arguments.quick else (_COUNT, _IDLE, 10)
    files = [_plugin(home, f"p{number:03}") for number in range(count)]
    with daemon(home, []):
        pass
    begun = time.perf_counter()
    with daemon(home, []) as started:
        ready = time.perf_counter() - begun
        states = json.loads(home.control("status", "--json"))["plugins"]
        loaded = sum(plugin["state"] == "ready" for plugin in states)
        time.sleep(_SETTLING)
        used = process.cpu_seconds([started.pid])
        time.sleep(idle)
        used = process.cpu_seconds([started.pid]) - used
        middle = files[count // 2]
        name = f"p{count // 2:03}"
        times = reload.measure(started.url, f"/{name}/number", middle, _text(name), edits)
        watches = process.watches(started.pid)
        memory = process.memory(started.pid)
        threads = process.threads(started.pid)
    rows = [
        ["plugins that serve", str(loaded)],
        ["start to all of them ready, second start", report.time(ready * 1e6)],
        [f"CPU time while idle for {idle} s", report.time(used * 1e6) if used else "0"],
        ["inotify watches", str(watches)],
        ["RSS", report.megabytes(memory.rss)],
        ["threads", str(threads)],
    ]
    print(report.table([f"{count} plugins of {_ROUTES} routes", ""], rows))
    print()
    print(report.table(reload.head("one edit"), [reload.row("of one of them", times)]))
    return {
        "plugins": loaded,
        "ready_seconds": ready,
        "idle_cpu_seconds": used,
        "watches": watches,
        "rss": memory.rss,
        "threads": threads,
        "edit_seconds": times,
    }


def _text(name: str) -> str:
    """The code of a plugin; `{number}` is left open."""
    routes = "".join(_ROUTE.format(at=at) for at in range(_ROUTES - 1))
    return _HEAD + routes + _TAIL.format(name=name)


def _plugin(home: Home, name: str) -> Path:
    """A plugin where Claude's are; returns its file."""
    plugins = home.directory / ".claude/plugins/marketplaces/m/plugins"
    directory = plugins / name / "skills" / name / "scripts/skills_plugin"
    directory.mkdir(parents=True)
    file = directory / "__init__.py"
    file.write_text(_text(name).replace("{number}", "0"))
    return file
