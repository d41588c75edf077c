"""Parts of a call that run on threads of the pool while its coroutine waits."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _skills_host import Inbox, Pool

T = TypeVar("T")


class Hops:
    """The way from one loop to the pool and back.

    Args:
        loop: The loop.
        inbox: Its queue.
        pool: The plugin's threads.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, inbox: Inbox, pool: Pool) -> None:
        self._loop = loop
        self._inbox = inbox
        self._pool = pool
        self._is_holding = False

    async def run(self, work: Callable[[], T], *, is_cleanup: bool = False) -> T:
        """Runs `work` on a thread; the clean-up of a call does not wait for other calls."""
        future: asyncio.Future[T] = self._loop.create_future()

        def part() -> None:
            error: BaseException | None = None
            result: Any = None
            try:
                result = work()
            except BaseException as raised:
                error = raised
            self._inbox.call_soon(functools.partial(_settle, future, result, error))

        try:
            self._pool.run(part, is_cleanup)
        except RuntimeError:
            if not is_cleanup:
                raise
            # The plugin ends and its threads have: what is open is closed all the same.
            return await self._loop.run_in_executor(None, work)
        return await future

    def hold(self) -> None:
        """Lets pieces of answers be sent together, until the loop's next round at the latest."""
        if not self._is_holding:
            self._is_holding = True
            self._inbox.hold()
            self._loop.call_soon(self._let_go)

    def _let_go(self) -> None:
        self._is_holding = False
        self._inbox.done()


def called(
    context: contextvars.Context, function: Callable[..., T], arguments: dict[str, Any]
) -> T:
    """Calls a function of a plugin in a copy of `context`, as on a thread of FastAPI's."""
    try:
        return context.copy().run(function, **arguments)
    except StopIteration as error:
        # No coroutine can raise it, and the one that waits for the thread is one.
        raise RuntimeError("coroutine raised StopIteration") from error


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
