"""The items of a generator as an answer: JSON Lines, or server-sent events where asked for.

As the newest FastAPI answers for a generator function: one line of JSON for each item, when it is
there. The generator goes on once the line was taken, and is closed when its reader has gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from skills_daemon._call import current
from skills_daemon.commands import CommandError
from skills_host.functions import value
from skills_host.functions.response import Response, exit_status

if TYPE_CHECKING:
    from _skills_host import Call
    from skills_host.contract import Message, Receive, Send

logger = logging.getLogger("skills_host.functions")

_LINES = b"application/jsonl"
_EVENTS = b"text/event-stream"
_END = object()


class Items(Response):
    """The answer of a generator.

    Args:
        items: The generator.
    """

    def __init__(self, items: Iterator[Any] | AsyncIterator[Any]) -> None:
        super().__init__(200, b"")
        self._items = items
        self._rest = self._each()
        self._first: Any = None
        self._has_begun = False

    async def begin(self) -> None:
        """Waits for the first item: a failure before it is answered as that of any function."""
        if self._has_begun:
            return
        self._has_begun = True
        try:
            self._first = await anext(self._rest, _END)
        except asyncio.CancelledError:
            await self._close()
            raise

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Sends the items, each when it is there."""
        await self.begin()
        accept = next((text for name, text in scope["headers"] if name == b"accept"), b"")
        as_events = _EVENTS in accept
        kind = _EVENTS if as_events else _LINES
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}
        )
        try:
            async for item in self._all():
                line = value.to_json(item) + b"\n"
                if as_events:
                    line = b"data: " + line + b"\n"
                await send({"type": "http.response.body", "body": line, "more_body": True})
        except (Exception, SystemExit) as error:
            if not _report(error):
                raise
        finally:
            # A reader that has gone cancels this.
            await self._close()
        await send({"type": "http.response.body", "body": b""})

    async def _all(self) -> AsyncIterator[Any]:
        if self._first is not _END:
            yield self._first
            async for item in self._rest:
                yield item

    async def _each(self) -> AsyncIterator[Any]:
        if isinstance(self._items, AsyncIterator):
            async for item in self._items:
                yield item
            return
        while (item := await asyncio.to_thread(_next, self._items)) is not _END:
            yield item

    async def _close(self) -> None:
        """Runs what the generator has after the item that was sent last."""
        try:
            if isinstance(self._items, AsyncIterator):
                await self._items.aclose()  # type: ignore[attr-defined]
            else:
                await asyncio.to_thread(self._items.close)  # type: ignore[attr-defined]
        except ValueError as error:
            # It still runs on its thread, where its next output ends it.
            logger.debug("a generator is not closed yet: %s", error)
        except (Exception, KeyboardInterrupt):
            logger.exception("closing a generator failed")


def _next(items: Iterator[Any]) -> Any:
    """Returns the next item, or `_END`: a coroutine cannot raise `StopIteration`."""
    return next(items, _END)


def _report(error: BaseException) -> bool:
    """Shows a shell why the stream ends; false where none reads it, and the answer is cut off."""
    call: Call | None = current.get()  # type: ignore[assignment]
    if call is None or not call.console.emits:
        return False
    status, text = exit_status(error)
    if isinstance(error, CommandError) and error.hint:
        text = f"{text}\nHint: {error.hint}"
    elif not isinstance(error, (CommandError, SystemExit)):
        logger.error("unhandled exception in a generator", exc_info=error)
    if text:
        call.console.output(2, f"Error: {text}\n")
    call.console.exit(status)
    return True
