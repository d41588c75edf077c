"""Background tasks: work of a plugin that no request waits for.

```python
async def poll() -> None:
    while True:
        await fetch_news()
        await asyncio.sleep(60)

background(poll)
```

A task runs on the plugin's event loop. It begins at once, or, if it was started while the plugin is
imported, after `startup()` and `connect()`. When it raises an exception, the exception is logged
and the task restarted: after 1 s, then 2 s, and so on up to 60 s; once it has run for a minute, the
next delay is 1 s again. When it returns, it has ended. `skills-daemon status` shows the tasks that
run, wait for their restart, or have failed for good.

A reload and a stop of the plugin cancel its tasks: after the last request, before `shutdown()`,
which therefore can close what they used. A task has half of the daemon's shutdown timeout for its
`finally` blocks.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from skills_daemon._plugin import current

Work: TypeAlias = Coroutine[Any, Any, object] | Callable[[], Awaitable[object]]
"""A coroutine function without arguments, or a coroutine."""

_NAME_MAX = 64


class Background:
    """A background task.

    Attributes:
        name: Its name in `skills-daemon status` and in the log.
    """

    def __init__(self, name: str, cancel: Callable[[], object]) -> None:
        """Wraps a task; `cancel` ends it and may be called on any thread."""
        self.name = name
        self._cancel = cancel

    def cancel(self) -> None:
        """Ends the task, from any thread; has no effect on one that has ended."""
        self._cancel()


def background(
    work: Work, *, name: str | None = None, restart: bool = True, keeps_awake: bool = False
) -> Background:
    """Starts a supervised background task; may be called from any of the plugin's code.

    Outside the daemon the task runs on the running event loop, without supervision.

    Args:
        work: A coroutine function without arguments (for others: `functools.partial`). A coroutine
            is possible too, but runs only once: it cannot be restarted when it fails.
        name: Name in status and log; by default, that of the function.
        restart: Whether the task is restarted when it fails.
        keeps_awake: Whether the daemon stays alive without requests while the task runs.

    Raises:
        RuntimeError: The plugin is ending, or has too many tasks; outside the daemon: no event loop
            is running.
        TypeError: `work` is neither.
    """
    plugin = current.get()
    if plugin is not None:
        started: Background = plugin.background(
            work, name=name, restart=restart, keeps_awake=keeps_awake
        )
        return started
    return _unsupervised(work, name or name_of(work))


def name_of(work: object) -> str:
    """Returns the name of a function or coroutine, of at most 64 characters."""
    inner = getattr(work, "func", work)
    name = getattr(inner, "__name__", None) or type(inner).__name__
    return str(name)[:_NAME_MAX]


def coroutine_of(work: Work) -> Coroutine[Any, Any, object]:
    """Returns the coroutine of a task.

    Raises:
        TypeError: `work` is no coroutine and returns no awaitable.
    """
    if isinstance(work, Coroutine):
        return work
    made = work()
    if isinstance(made, Coroutine):
        return made
    if isinstance(made, Awaitable):
        return _awaited(made)
    raise TypeError(f"{name_of(work)} is neither a coroutine function nor a coroutine")


async def _awaited(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _unsupervised(work: Work, name: str) -> Background:
    import asyncio

    loop = asyncio.get_running_loop()
    task = loop.create_task(coroutine_of(work), name=name)
    _alone.add(task)
    task.add_done_callback(_alone.discard)
    return Background(name, lambda: loop.call_soon_threadsafe(task.cancel))


#: An event loop itself holds its tasks only weakly.
_alone: set[object] = set()
