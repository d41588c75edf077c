"""The caller's stdin as the value of a parameter, read as it comes.

Over HTTP it is the body of the request.
"""

from __future__ import annotations

import asyncio
import codecs
import collections.abc
import inspect
import io
import typing
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, get_args, get_origin

from skills_daemon._call import current
from skills_host.functions.annotation import without_none

if TYPE_CHECKING:
    from _skills_host import Call

#: Makes the value of a parameter for one call.
Maker = Callable[["Call"], Any]

_ITERATORS = (collections.abc.Iterator, collections.abc.Generator)
_LATER = (collections.abc.AsyncIterator, collections.abc.AsyncGenerator)


def maker(annotation: Any) -> Maker | None:
    """Returns how to make the value of a parameter that is stdin; None for any other one.

    `BinaryIO` and `TextIO` are files, `Iterator[bytes]` and `Iterator[str]` lines, `AsyncIterator`
    of `bytes` pieces as they come, and of `str` lines.
    """
    annotation = without_none(annotation)
    if annotation in (typing.BinaryIO, typing.IO[bytes]):
        return _binary
    if annotation in (typing.TextIO, typing.IO[str]):
        return _text
    origin, arguments = get_origin(annotation), get_args(annotation)
    if not arguments or arguments[0] not in (str, bytes):
        return None
    if origin in _ITERATORS:
        return _text if arguments[0] is str else _binary
    if origin in _LATER:
        return _lines_later if arguments[0] is str else _pieces_later
    return None


def blocks(annotation: Any) -> bool:
    """Returns true if reading the value blocks its thread."""
    return get_origin(without_none(annotation)) not in _LATER


def passed(function: Callable[..., Any], name: str, make: Maker) -> Callable[..., Any]:
    """Returns `function` with stdin as its argument `name`."""

    def call(**arguments: Any) -> Any:
        return function(**arguments, **{name: make(_running())})

    async def call_later(**arguments: Any) -> Any:
        # A coroutine is made outside of the context in which it runs.
        return await call(**arguments)

    return call_later if inspect.iscoroutinefunction(function) else call


def _running() -> Call:
    call: Call | None = current.get()  # type: ignore[assignment]
    if call is None:
        raise RuntimeError("stdin is there only while a call runs")
    return call


class _Raw(io.RawIOBase):
    """The body of a call, as it comes."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(read(self._call))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def read(call: Call) -> bytes:
    """Waits for the next piece; returns empty bytes at the end.

    Raises:
        KeyboardInterrupt: The caller has gone.
    """
    piece = call.read()
    if piece is None:
        raise KeyboardInterrupt("the call was cancelled")
    return piece


def _binary(call: Call) -> io.BufferedReader:
    return io.BufferedReader(_Raw(call), 1 << 18)


def _text(call: Call) -> io.TextIOWrapper:
    return io.TextIOWrapper(_binary(call), encoding="utf-8", errors="replace", newline=None)


async def _pieces_later(call: Call) -> AsyncIterator[bytes]:
    # A cancellation ends the thread's wait, too.
    while piece := await asyncio.to_thread(call.read):
        yield piece


async def _lines_later(call: Call) -> AsyncIterator[str]:
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    rest = ""
    async for piece in _pieces_later(call):
        *lines, rest = (rest + decode(piece)).split("\n")
        for line in lines:
            yield line + "\n"
    if rest := rest + decode(b"", True):
        yield rest
