"""Tasks whose first step runs at once.

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

if sys.version_info >= (3, 12):

    def start_now(
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, None],
        context: contextvars.Context,
    ) -> asyncio.Task[None]:
        """Starts `work` as a task of the running loop and runs its first step."""
        return asyncio.Task(work, loop=loop, context=context, eager_start=True)

else:

    def start_now(
        loop: asyncio.AbstractEventLoop,
        work: Coroutine[Any, Any, None],
        context: contextvars.Context,
    ) -> asyncio.Task[None]:
        """Starts `work` as a task of the running loop and runs its first step."""
        caught: list[Any] = []

        def catch(step: Any, *arguments: Any, context: Any = None) -> None:
            caught.extend((step, context))

        # An attribute of the instance hides the method for the length of one constructor.
        loop.call_soon = catch  # type: ignore[method-assign]
        try:
            task = context.run(asyncio.Task, work, loop=loop)
        finally:
            del loop.call_soon
        # A task copies the context it is made in: its first step must run in that copy.
        step, own_context = caught
        own_context.run(step)
        return task
