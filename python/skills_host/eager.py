"""The tasks of a loop, each with its first step run at once.

Most handlers never wait, and a task that is done after its first step costs the loop no round.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Coroutine
from typing import Any

import _skills_host


class Tasks:
    """Starts the tasks of one loop and keeps them; called on the loop's thread, outside of tasks.

    Args:
        loop: The loop.

    Attributes:
        starter: Begins tasks that are not kept.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.starter = _skills_host.Starter(loop)
        # The loop itself holds its tasks only weakly.
        self._running: set[asyncio.Task[Any]] = set()

    def start(
        self, work: Coroutine[Any, Any, Any], context: contextvars.Context
    ) -> asyncio.Task[Any]:
        """Runs the first step of `work` as a task in `context`, and keeps the task until it ends.

        Before Python 3.11, which has no way to give a task its context, it runs in a copy.
        """
        task: asyncio.Task[Any] = self.starter.begin(work, context)
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
