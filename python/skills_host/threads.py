"""The threads that plugins start, each attributed to the version of the plugin that started it.

Threads do not inherit the context of their starter before Python 3.14, so `Thread.start` is
replaced once: a thread that is started by code of a plugin, on whatever thread, runs with the
plugin's name and version in its context, and carries the plugin's slot of the crash journal.
Threads that C code starts are not seen. It also works for the call whose code starts it, and so
does what is submitted to a pool of threads, which outlives the call that started its threads. Also
the stacks of threads, for reports about those that block.
"""

from __future__ import annotations

import contextvars
import sys
import threading
import time
import types
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import thread as pools
from typing import Any

import _skills_host
from skills_daemon._call import Call
from skills_daemon._call import current as current_call
from skills_daemon._plugin import current
from skills_host.log import plugin_ctx
from skills_host.place import own_line


class Version:
    """One loaded version of a plugin, and the threads that it started.

    Args:
        name: Name of the plugin.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        with _lock:
            _versions.add(self)

    def started(self, thread: threading.Thread) -> None:
        """Adds a thread that this version started."""
        with _lock:
            self._threads.add(thread)

    def alive(self) -> list[threading.Thread]:
        """Returns the threads that have not ended."""
        with _lock:
            threads = list(self._threads)
        return [thread for thread in threads if thread.is_alive()]

    def ended(self, seconds: float) -> list[threading.Thread]:
        """Waits at most `seconds` for the end of all threads; returns those that go on."""
        deadline = time.monotonic() + seconds
        for thread in self.alive():
            thread.join(max(deadline - time.monotonic(), 0))
        return self.alive()


#: The version whose code runs; `None` for the host's own.
version_ctx: contextvars.ContextVar[Version | None] = contextvars.ContextVar(
    "version", default=None
)

_lock = threading.Lock()
_versions: weakref.WeakSet[Version] = weakref.WeakSet()
_start: Callable[[threading.Thread], None] = threading.Thread.start
_submit: Callable[..., Future[Any]] = ThreadPoolExecutor.submit
_pool_worker = getattr(pools, "_worker", None)


def count() -> dict[str, int]:
    """Returns the number of running threads that the versions of each plugin started."""
    counts: dict[str, int] = {}
    with _lock:
        versions = list(_versions)
    for version in versions:
        if alive := len(version.alive()):
            counts[version.name] = counts.get(version.name, 0) + alive
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


def describe(thread: threading.Thread) -> str:
    """Returns the name of a thread, its function, and the line of the plugin that it runs now."""
    target = getattr(thread, "_target", None)
    parts = [f"thread {thread.name!r}"]
    function = target if target is not None else type(thread).run
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if isinstance(code, types.CodeType):
        name = getattr(function, "__qualname__", code.co_name)
        parts.append(f"runs {name}() of {code.co_filename} line {code.co_firstlineno}")
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is not None and (line := own_line(frame)):
        parts.append(f"now at {line}")
    return ", ".join(parts)


def attribute() -> None:
    """Has all threads attributed that are started from now on."""
    threading.Thread.start = _attributed  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = _submitted  # type: ignore[method-assign, assignment]


def start_unattributed(thread: threading.Thread) -> None:
    """Starts a thread of the host."""
    _start(thread)


def _attributed(self: threading.Thread) -> None:
    """Starts a thread in the name of the plugin whose code runs."""
    version = version_ctx.get()
    if version is None:
        return _start(self)
    name, plugin, run = plugin_ctx.get(), current.get(), self.run
    is_of_pool = _pool_worker is not None and getattr(self, "_target", None) is _pool_worker
    call = None if is_of_pool else current_call.get()
    slot = _skills_host.slot()

    def run_named() -> None:
        # An attribute of the instance hides the method until the thread runs.
        vars(self).pop("run", None)
        _skills_host.carry(slot)
        version_ctx.set(version)
        plugin_ctx.set(name)
        current.set(plugin)
        current_call.set(call)
        run()

    self.run = run_named  # type: ignore[method-assign]
    version.started(self)
    try:
        _start(self)
    except BaseException:
        vars(self).pop("run", None)
        raise


def _submitted(
    self: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Future[Any]:
    """Submits work to a pool, for the call whose code submits it."""
    call = current_call.get()
    if call is None:
        return _submit(self, function, *args, **kwargs)
    return _submit(self, _run_for, call, function, args, kwargs)


def _run_for(
    call: Call, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    token = current_call.set(call)
    try:
        return function(*args, **kwargs)
    finally:
        current_call.reset(token)
