"""The tasks of a loop, each with its first step run at once.

Most handlers never wait, and a task that is done after its first step costs the loop no round.
From Python 3.12 on, `asyncio.Task` can do that by itself. Before, a task schedules its first step
with `loop.call_soon`; that one call is caught and made at once, in the task's own context, so
that `asyncio.current_task()` and everything built on it work in either case.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Coroutine
from typing import Any


class Tasks:
    """Starts the tasks of one loop and keeps them; called on the loop's thread, outside of tasks.

    Args:
        loop: The loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._caught: Any = None
        self._catcher = self._catch
        # The loop itself holds its tasks only weakly.
        self._running: set[asyncio.Task[Any]] = set()

    def start(
        self, work: Coroutine[Any, Any, Any], context: contextvars.Context
    ) -> asyncio.Task[Any]:
        """Runs the first step of `work` as a task in `context`, and keeps the task until it ends.

        Before Python 3.11, which has no way to give a task its context, it runs in a copy.
        """
        task = self._begun(work, context)
        if not task.done():
            self.keep(task)
        return task

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Keeps a task until it ends."""
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def idle(self) -> None:
        """Waits until the current task is the only one."""
        while others := self._running - {asyncio.current_task()}:
            await asyncio.wait(others)

    def cancel(self, seconds: float) -> None:
        """Cancels all tasks, which get `seconds` to end; the loop must not be running."""
        for task in self._running:
            task.cancel()
        if self._running:
            self._loop.run_until_complete(asyncio.wait(set(self._running), timeout=seconds))

    if sys.version_info >= (3, 12):

        def _begun(
            self, work: Coroutine[Any, Any, Any], context: contextvars.Context
        ) -> asyncio.Task[Any]:
            return asyncio.Task(work, loop=self._loop, context=context, eager_start=True)

    else:

        def _begun(
            self, work: Coroutine[Any, Any, Any], context: contextvars.Context
        ) -> asyncio.Task[Any]:
            loop = self._loop
            # An attribute of the instance hides the method for the length of one constructor.
            loop.call_soon = self._catcher  # type: ignore[method-assign, assignment]
            try:
                if sys.version_info >= (3, 11):
                    task = asyncio.Task(work, loop=loop, name="request", context=context)
                else:
                    task = context.run(asyncio.Task, work, loop=loop, name="request")
            finally:
                del loop.call_soon
            step, context = self._caught
            self._caught = None
            context.run(step)
            return task

    def _catch(self, step: Any, context: Any = None) -> None:
        self._caught = step, context
