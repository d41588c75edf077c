"""Edits of plugins under load: failed requests, and memory, threads and descriptors left behind."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import process, report, wrk
from harness.daemon import LOOK_AGAIN, Daemon, DaemonError, Home, daemon
from harness.servers import fetch
from harness.wrk import Load, Measured

_ROUTER = """
from typing import Annotated
import fastapi
from pydantic import BaseModel
DATA = [bytes([i % 250]) * 1000 for i in range(1000)]
class Order(BaseModel):
    item: str
    count: int = 1
def given(item: str = "tea") -> Order:
    return Order(item=item)
router = fastapi.APIRouter()
@router.get("/size")
async def size() -> dict[str, int]:
    return {"size": len(DATA), "edit": EDIT}
@router.get("/order")
async def order(order: Annotated[Order, fastapi.Depends(given)]) -> Order:
    return order
@router.get("/block")
def block() -> int:
    return EDIT
class EditedPlugin:
    name = "edited"
    router = router
"""
_FUNCTIONS = """
DATA = [bytes([i % 250]) * 1000 for i in range(1000)]
def get_size(count: int = 1) -> int:
    return len(DATA) * count
async def get_edit() -> int:
    return EDIT
"""
_PLUGINS = {"edited": _ROUTER, "functions": _FUNCTIONS}
_REQUESTS = (
    "GET /edited/size",
    "GET /edited/order?item=tea",
    "GET /edited/block",
    "GET /functions/get-size?count=2",
    "GET /functions/get-edit",
)
_LOAD = Load(_REQUESTS, connections=32, pause=5)
_WARMUP = 20
#: Seconds of load at a time.
_SLICE = 5
#: Seconds until old versions have ended and their memory is freed.
_SETTLING_MAX = 30


@dataclass(frozen=True)
class State:
    """The daemon after a number of edits, without load."""

    edits: int
    rss: int
    threads: int
    descriptors: int


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    wanted = 100 if arguments.quick else arguments.edits
    folders = [home.directory / "plugins" / name for name in _PLUGINS]
    for folder in folders:
        folder.mkdir(parents=True)
        manifest = json.dumps({"name": folder.name})
        (folder / "manifest.json").write_text(manifest)
        _write(folder, 0)
    with daemon(home, folders) as started:
        for request in _REQUESTS:
            if (answer := fetch(started.url, request)).status != 200:
                raise DaemonError(f"{request}: {answer.body!r}")
        _under_load(started, folders, 0, _WARMUP)
        before = _settled(started, _WARMUP)
        loads = _under_load(started, folders, _WARMUP, _WARMUP + wanted)
        after = _settled(started, _WARMUP + wanted)
    head = ["edits", "edits", "RSS", "threads", "descriptors"]
    print(report.table(head, [_row("warm", before), _row("end", after)]))
    failed = sum(load.failed + load.not_ok for load in loads)
    requests = sum(load.requests for load in loads)
    rate = requests * 1e6 / sum(load.microseconds for load in loads)
    growth = after.rss / before.rss - 1
    print(f"\n{requests:,} requests, {rate:,.0f} a second; failed: {failed}.")
    print(f"Resident memory from warm to end: {growth:+.1%}.")
    states = [asdict(before), asdict(after)]
    return {"states": states, "failed": failed, "requests": requests, "rate": rate}


def _write(folder: Path, edit: int) -> None:
    """Writes the code of a plugin as an editor does: beside it, then renamed."""
    draft = folder / "__init__.py~"
    draft.write_text(f"EDIT = {edit}\n{_PLUGINS[folder.name]}")
    draft.replace(folder / "__init__.py")


def _under_load(started: Daemon, folders: list[Path], first: int, last: int) -> list[Measured]:
    """Edits the plugins in turn while requests run; returns what these met."""
    done: list[Measured] = []
    load = wrk.Run(started.url, _LOAD, _SLICE)
    ends = time.monotonic() + _SLICE
    for edit in range(first, last):
        folder = folders[edit % len(folders)]
        _write(folder, edit)
        answer = fetch(started.url, f"POST /reload-plugins?plugin={folder.name}")
        if answer.status != 200 or json.loads(answer.body).get("failed"):
            raise DaemonError(f"reload failed: {answer.body!r}")
        if time.monotonic() > ends:
            done.append(load.result())
            load = wrk.Run(started.url, _LOAD, _SLICE)
            ends = time.monotonic() + _SLICE
    return [*done, load.result()]


def _settled(started: Daemon, edits: int) -> State:
    """Returns the least counts of the time in which old versions end."""
    states = []
    deadline = time.monotonic() + _SETTLING_MAX
    while time.monotonic() < deadline:
        states.append(_state(started, edits))
        time.sleep(LOOK_AGAIN * 10)
    return State(
        edits,
        states[-1].rss,
        min(state.threads for state in states),
        min(state.descriptors for state in states),
    )


def _state(started: Daemon, edits: int) -> State:
    pid = started.pid
    return State(edits, process.memory(pid).rss, process.threads(pid), process.descriptors(pid))


def _row(name: str, state: State) -> list[str]:
    counts = (str(state.threads), str(state.descriptors))
    return [name, report.count(state.edits), report.megabytes(state.rss), *counts]
