"""Progress of a command, as a bar at the caller's terminal.

A bar is drawn on the caller's stderr while a command runs, if that is a terminal, and is removed
once it is complete. Over HTTP it is events of a function whose caller accepts `text/event-stream`.
Elsewhere (in a pipe, outside the daemon) nothing is shown.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sized
from types import TracebackType
from typing import Generic, TypeVar, overload

from skills_daemon._call import Call, current

Item = TypeVar("Item")

#: Seconds between two reports of a bar; more would only be redrawn.
_PAUSE = 0.05
_numbers = itertools.count(1)


class Progress(Generic[Item]):
    """The progress of one task.

    As an iterable, asynchronous or not, it has the items of the iterable that it was made of, and
    advances with each. As a context manager it is complete at the end of the block.
    """

    def __init__(
        self,
        items: Iterable[Item] | AsyncIterable[Item] | None,
        total: float | None,
        description: str,
    ) -> None:
        self._items = items
        self._total = total
        self._description = description
        self._done = 0.0
        self._number = next(_numbers)
        self._call: Call | None = current.get()
        self._next = 0.0
        self._is_complete = False
        self._show()

    def advance(self, amount: float = 1) -> None:
        """Adds to what is done."""
        self._done += amount
        if time.monotonic() >= self._next:
            self._show()

    def describe(self, description: str) -> None:
        """Replaces the description."""
        self._description = description
        self._show()

    def close(self) -> None:
        """Completes the task; its bar is removed."""
        if not self._is_complete:
            self._is_complete = True
            self._total = self._done
            self._show()

    def __enter__(self) -> Progress[Item]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Item]:
        if not isinstance(self._items, Iterable):
            raise TypeError("this progress was not made of an iterable")
        with self:
            for item in self._items:
                yield item
                self.advance()

    async def __aiter__(self) -> AsyncIterator[Item]:
        if not isinstance(self._items, AsyncIterable):
            raise TypeError("this progress was not made of an asynchronous iterable")
        with self:
            async for item in self._items:
                yield item
                self.advance()

    def _show(self) -> None:
        self._next = time.monotonic() + _PAUSE
        if self._call is not None:
            self._call.console.progress(
                self._number, self._description, self._done, self._total, self._is_complete
            )


@overload
def progress(of: float, description: str = "") -> Progress[None]: ...


@overload
def progress(of: None = None, description: str = "") -> Progress[None]: ...


@overload
def progress(
    of: Iterable[Item] | AsyncIterable[Item], description: str = "", *, total: float | None = None
) -> Progress[Item]: ...


def progress(
    of: Iterable[Item] | AsyncIterable[Item] | float | None = None,
    description: str = "",
    *,
    total: float | None = None,
) -> Progress[Item] | Progress[None]:
    """Returns the progress of a task, which begins to be shown; several may be shown at once.

    Args:
        of: What is iterated over, or how much there is to do; None if that is not known.
        description: What is being done.
        total: How many items there are, if the iterable has no length.
    """
    if of is None or isinstance(of, (int, float)):
        return Progress[None](None, of, description)
    if total is None and isinstance(of, Sized):
        total = len(of)
    return Progress(of, total, description)
