"""The threads that plugins start: each carries the slot of the plugin whose code started it.

Also the stacks of threads, for reports about those that block.
"""

from __future__ import annotations

import sys
import threading

import _skills_host
from skills_host.log import plugin_ctx

_start = threading.Thread.start
#: Attribute of a thread: the plugin whose code started it.
_PLUGIN = "_skills_plugin"


def install() -> None:
    """Has each new thread know its plugin."""
    threading.Thread.start = _started  # type: ignore[assignment, method-assign]


def count() -> dict[str, int]:
    """Returns how many threads that it started each plugin has."""
    counts: dict[str, int] = {}
    for thread in threading.enumerate():
        name = getattr(thread, _PLUGIN, "")
        if name:
            counts[name] = counts.get(name, 0) + 1
    return counts


def stack(ident: int) -> list[tuple[str, int, str]] | None:
    """Returns file, line and function of the frames of a thread, the innermost first."""
    frame = sys._current_frames().get(ident)
    if frame is None:
        return None
    frames = []
    while frame is not None:
        frames.append((frame.f_code.co_filename, frame.f_lineno or 0, frame.f_code.co_name))
        frame = frame.f_back
    return frames


def _started(thread: threading.Thread) -> None:
    """Starts a thread that carries what the current one does."""
    slot = _skills_host.slot()
    if not slot or "run" in thread.__dict__:
        return _start(thread)
    run = thread.run
    parent = getattr(threading.current_thread(), _PLUGIN, "")
    setattr(thread, _PLUGIN, plugin_ctx.get() or parent)

    def carrying() -> None:
        # It hides the method of the class, and the thread would refer to itself.
        thread.__dict__.pop("run", None)
        _skills_host.carry(slot)
        run()

    thread.run = carrying  # type: ignore[method-assign]
    try:
        _start(thread)
    except BaseException:
        thread.__dict__.pop("run", None)
        raise
