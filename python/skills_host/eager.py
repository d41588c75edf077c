"""Tasks whose first step runs at once.

Most handlers never wait, and a task that is done after its first step costs the loop no round.
From Python 3.12 on, `asyncio.Task` can do that by itself. Before, a task schedules its first step
with `loop.call_soon`; that one call is caught and made at once, in the task's own context, so
that `asyncio.current_task()` and everything built on it work in either case.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

if sys.version_info >= (3, 12):

    class Starter:
        """Starts tasks of one loop.

        Args:
            loop: The loop; tasks are started on its thread, while it runs.
            name: The name of the tasks.
        """

        def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
            self._loop = loop
            self._name = name

        def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            """Runs the first step of `work` as a task, in a copy of the current context."""
            return asyncio.Task(work, loop=self._loop, name=self._name, eager_start=True)

else:

    class Starter:
        """Starts tasks of one loop.

        Args:
            loop: The loop; tasks are started on its thread, while it runs.
            name: The name of the tasks.
        """

        def __init__(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
            self._loop = loop
            self._name = name
            self._caught: Any = None
            self._catcher = self._catch

        def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
            """Runs the first step of `work` as a task, in a copy of the current context."""
            loop = self._loop
            # An attribute of the instance hides the method for the length of one constructor.
            loop.call_soon = self._catcher  # type: ignore[method-assign]
            try:
                task = asyncio.Task(work, loop=loop, name=self._name)
            finally:
                del loop.call_soon
            # The task made its own copy of the context: its first step must run in that.
            step, context = self._caught
            self._caught = None
            context.run(step)
            return task

        def _catch(self, step: Any, context: Any = None) -> None:
            self._caught = step, context
