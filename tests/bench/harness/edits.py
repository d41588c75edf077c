"""Edits of plugins under load, which take effect by watching alone.

Counts the edits whose new answer came and the requests that failed; compares memory, threads and
descriptors after a warm-up with those at the end.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import process, reload, report, wrk
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
#: Where the answer of each plugin shows the edit.
_SHOWN = {"edited": "/edited/block", "functions": "/functions/get-edit"}
_REQUESTS = (
    "GET /edited/size",
    "GET /edited/order?item=tea",
    "GET /edited/block",
    "GET /functions/get-size?count=2",
    "GET /functions/get-edit",
)
_LOAD = Load(_REQUESTS, connections=32, pause=5)
_WARMUP = 100
#: Seconds of load at most; it is stopped after the last edit.
_LOAD_MAX = 3600
#: Seconds until old versions have ended and their memory is freed.
_SETTLING_MAX = 30


@dataclass(frozen=True)
class State:
    """The daemon after a number of edits, without load."""

    edits: int
    rss: int
    threads: int
    descriptors: int


@dataclass(frozen=True)
class Edits:
    """What came of edits under load.

    Attributes:
        seconds: From each write to the first new answer, of the edits that were seen.
        load: The load meanwhile.
    """

    seconds: list[float]
    load: Measured


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
        _under_load(started, folders, range(1, 1 + _WARMUP))
        before = _settled(started, _WARMUP)
        done = _under_load(started, folders, range(1 + _WARMUP, 1 + _WARMUP + wanted))
        after = _settled(started, _WARMUP + wanted)
    load = done.load
    head = ["edits", "edits", "RSS", "threads", "descriptors"]
    print(report.table(head, [_row("warm", before), _row("end", after)]))
    print()
    print(report.table(reload.head("save to new answer"), [reload.row("under load", done.seconds)]))
    print(f"\nEdits seen: {len(done.seconds)} of {wanted}, by watching alone.")
    failed = load.failed + load.not_ok
    print(f"{load.requests:,} requests, {load.per_second:,.0f} a second; failed: {failed}.")
    print(f"Resident memory from warm to end: {after.rss / before.rss - 1:+.1%}.")
    return {
        "states": [asdict(before), asdict(after)],
        "wanted": wanted,
        "seconds": done.seconds,
        "load": load.raw(),
    }


def _write(folder: Path, edit: int) -> None:
    """Writes the code of a plugin as an editor does: beside it, then renamed."""
    draft = folder / "__init__.py~"
    draft.write_text(f"EDIT = {edit}\n{_PLUGINS[folder.name]}")
    draft.replace(folder / "__init__.py")


def _under_load(started: Daemon, folders: list[Path], edits: range) -> Edits:
    """Edits the plugins in turn, each edit once the one before is seen, while requests run."""
    load = wrk.Run(started.url, _LOAD, _LOAD_MAX)
    connection = reload.connect(started.url)
    seconds = []
    try:
        for edit in edits:
            folder = folders[edit % len(folders)]
            begun = time.perf_counter()
            _write(folder, edit)
            if reload.is_seen(connection, _SHOWN[folder.name], str(edit), begun):
                seconds.append(time.perf_counter() - begun)
    finally:
        connection.close()
        load.stop()
    return Edits(seconds, load.result())


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
