"""The background tasks of one plugin: started, restarted with backoff, reported, ended.

Each task is supervised by a coroutine of its own on the plugin's first loop, which calls the
plugin's function again when it raises. `skills_daemon.background` gets here through the plugin's
context, from any thread. Whatever changes is reported as JSON, at most once per round of the loop.

| state | meaning |
| --- | --- |
| `running` | it runs |
| `waiting` | it failed and is restarted at `retry_at` |
| `failed` | it failed and is not restarted |

A task that has returned or was cancelled is no longer listed.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from skills_daemon.tasks import Background, Work, coroutine_of, name_of

logger = logging.getLogger("skills_host.background")

#: Delay after the first failure and the longest one, in seconds.
_FIRST, _LONGEST = 1.0, 60.0
#: A task that has run for so many seconds has recovered from its failures.
_RECOVERED = 60.0
#: By how much a delay is shortened at random, so that many tasks do not return at once.
_JITTER = 0.1
#: How many tasks a plugin may have.
TASKS_MAX = 256
#: Length of an error in the report.
_ERROR_MAX = 300


def delay(failures: int, jitter: float) -> float:
    """Returns the seconds until a restart.

    Args:
        failures: The number of failures in a row, at least 1.
        jitter: From 0 to 1.
    """
    # The exponent is bounded, because the number of failures is not.
    seconds = min(_FIRST * 2.0 ** min(failures - 1, 10), _LONGEST)
    return seconds * (1 - _JITTER * jitter)


@dataclass(eq=False)
class _Task:
    work: Work
    name: str
    restart: bool
    keeps_awake: bool
    since: float
    state: Literal["running", "waiting", "failed"] = "running"
    failures: int = 0
    error: str | None = None
    retry_at: float | None = None
    runs: asyncio.Task[None] | None = None
    is_cancelled: bool = False

    def close(self) -> None:
        """Closes the coroutine of a task that never began."""
        if isinstance(self.work, Coroutine):
            self.work.close()


class Supervisor:
    """Runs the background tasks of one plugin.

    Args:
        show: Receives all tasks as JSON, an array of the library's `wire::BackgroundTask`.
        clock: The time, in seconds since 1970.
        jitter: Random numbers from 0 to 1.
    """

    def __init__(
        self,
        show: Callable[[str], object],
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._show = show
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        # Guarded by the lock; the tasks themselves are the loop's.
        self._tasks: list[_Task] = []
        self._early: list[_Task] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ended = False
        self._context = contextvars.Context()
        self._is_changed = False

    def start(
        self, work: Work, *, name: str | None, restart: bool, keeps_awake: bool
    ) -> Background:
        """Starts a task; called on any thread.

        Raises:
            RuntimeError: The plugin is ending, or has `TASKS_MAX` tasks.
            TypeError: `work` is neither a coroutine nor a function.
        """
        if not callable(work) and not isinstance(work, Coroutine):
            raise TypeError(f"{work!r} is neither a coroutine function nor a coroutine")
        restart = restart and not isinstance(work, Coroutine)
        task = _Task(work, name or name_of(work), restart, keeps_awake, self._clock())
        try:
            with self._lock:
                loop = self._add(task)
        except RuntimeError:
            task.close()
            raise
        if loop is not None:
            loop.call_soon_threadsafe(self._begin, task)
        return Background(task.name, partial(self._cancel, task))

    def attach(self) -> None:
        """Lets tasks begin on the running loop, except those that were started before."""
        with self._lock:
            self._context = contextvars.copy_context()
            self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """Begins the tasks that were started before `attach`; called on the loop."""
        with self._lock:
            early, self._early = self._early, []
        for task in early:
            self._begin(task)

    async def end(self, limit: float) -> None:
        """Cancels all tasks and waits for their end, at most `limit` seconds; refuses new ones."""
        with self._lock:
            self._is_ended = True
            tasks = list(self._tasks)
        for task in tasks:
            self._cancel_now(task)
        running = {task.runs: task for task in tasks if task.runs is not None}
        late = (await asyncio.wait(running, timeout=limit))[1] if running else set()
        for each in late:
            logger.error(
                "background task %s did not end in %g s after it was cancelled",
                running[each].name,
                limit,
            )

    def close(self) -> None:
        """Forgets the tasks of a plugin that was never started."""
        with self._lock:
            self._is_ended = True
            early, self._early = self._early, []
        for task in early:
            task.close()

    def _add(self, task: _Task) -> asyncio.AbstractEventLoop | None:
        """Lists a task; returns the loop on which it begins now."""
        if self._is_ended:
            raise RuntimeError(f"background task {task.name}: the plugin is ending")
        if len(self._tasks) >= TASKS_MAX:
            failed = next((each for each in self._tasks if each.state == "failed"), None)
            if failed is None:
                raise RuntimeError(
                    f"background task {task.name}: the plugin has {TASKS_MAX} tasks already"
                )
            self._tasks.remove(failed)
        self._tasks.append(task)
        if self._loop is None:
            self._early.append(task)
        return self._loop

    def _begin(self, task: _Task) -> None:
        if task.is_cancelled or self._is_ended:
            task.close()
            self._forget(task)
            return
        loop = asyncio.get_running_loop()
        # In the plugin's own context, not in that of the request that started it.
        task.runs = self._context.run(loop.create_task, self._run(task), name=task.name)
        self._changed()

    def _cancel(self, task: _Task) -> None:
        loop = self._loop
        if loop is None:
            task.is_cancelled = True
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._cancel_now, task)

    def _cancel_now(self, task: _Task) -> None:
        task.is_cancelled = True
        if task.runs is not None:
            task.runs.cancel()

    async def _run(self, task: _Task) -> None:
        """Runs a task, again after each failure, until it returns or is cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                begun = loop.time()
                self._set(task, "running")
                error = await _failure(task.work)
                if error is None:
                    return
                recovered = loop.time() - begun >= _RECOVERED
                task.failures = 1 if recovered else task.failures + 1
                task.error = f"{type(error).__name__}: {error}"[:_ERROR_MAX]
                if task.is_cancelled or not task.restart:
                    logger.error("background task %s failed", task.name, exc_info=error)
                    self._set(task, "failed")
                    return
                seconds = delay(task.failures, self._jitter())
                message = "background task %s failed (%d in a row), restart in %.1f s"
                logger.warning(message, task.name, task.failures, seconds, exc_info=error)
                # Its traceback would keep the frames of the task alive.
                del error
                self._set(task, "waiting", self._clock() + seconds)
                await asyncio.sleep(seconds)
        finally:
            if task.is_cancelled or task.state != "failed":
                self._forget(task)

    def _set(
        self,
        task: _Task,
        state: Literal["running", "waiting", "failed"],
        retry_at: float | None = None,
    ) -> None:
        task.state, task.since, task.retry_at = state, self._clock(), retry_at
        self._changed()

    def _forget(self, task: _Task) -> None:
        with self._lock:
            if task in self._tasks:
                self._tasks.remove(task)
        self._changed()

    def _changed(self) -> None:
        if not self._is_changed:
            self._is_changed = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish(self) -> None:
        self._is_changed = False
        with self._lock:
            tasks = list(self._tasks)
        self._show(json.dumps([_shown(task) for task in tasks]))


async def _failure(work: Work) -> BaseException | None:
    """Runs a task once; returns the exception with which it ended."""
    try:
        await coroutine_of(work)
    # `sys.exit()` ends the task, not the plugin.
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        return error
    return None


def _shown(task: _Task) -> dict[str, Any]:
    return {
        "name": task.name,
        "state": task.state,
        "failures": task.failures,
        "error": task.error,
        "since": int(task.since),
        "retry_at": None if task.retry_at is None else int(task.retry_at),
        "keeps_awake": task.keeps_awake,
    }
