"""What a plugin leaves behind at its end: tasks, which are cancelled, and threads, which are not.

Whatever cannot be ended is named in the log, once, with the place of its code.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from skills_host.threads import Version, describe

logger = logging.getLogger("skills_host.leftovers")

#: Timeout for threads that end because of `shutdown()`.
_THREAD_SECONDS = 0.5


def report_threads(version: Version) -> None:
    """Names the threads that a version started and that still run."""
    for thread in version.ended(_THREAD_SECONDS):
        logger.warning(
            "%s left a thread behind, which keeps its code in memory: %s",
            version.name,
            describe(thread),
        )


def cancel_tasks(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Cancels all tasks of a loop that has stopped; names those that are not done in time."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    _, left = loop.run_until_complete(asyncio.wait(tasks, timeout=seconds))
    for task in left:
        logger.warning("a task refuses to be cancelled and is dropped: %s", _place(task))
    for task in tasks - left:
        if not task.cancelled() and (error := task.exception()):
            logger.warning("a task failed when it was cancelled: %s", _place(task), exc_info=error)


def _place(task: asyncio.Task[Any]) -> str:
    """Returns the name of a task and where its coroutine waits."""
    frames = task.get_stack()
    at = f" at {frames[-1].f_code.co_filename} line {frames[-1].f_lineno}" if frames else ""
    name = getattr(task.get_coro(), "__qualname__", type(task.get_coro()).__name__)
    return f"task {task.get_name()!r}, {name}(){at}"
