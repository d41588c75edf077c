"""Standard streams of plugins: what a command writes reaches its caller, all else the log.

While a call from a shell runs a plain function, its writes to `sys.stdout` and `sys.stderr` are
the caller's, in order, as they are written. Everything else that plugins write, while they are
imported, over HTTP, in background tasks, becomes log records.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from typing import TYPE_CHECKING

from skills_daemon._call import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from _skills_host import Call

#: Descriptors of the streams, by which a call has them.
STDOUT, STDERR = 1, 2


class OutputStream(io.TextIOBase):
    """A text stream in the place of `sys.stdout` or `sys.stderr`.

    Args:
        name: Name of its logger.
        level: Level of its records.
        number: Its descriptor in a shell.
    """

    def __init__(self, name: str, level: int, number: int) -> None:
        self._logger = logging.getLogger(name)
        self._level = level
        self._number = number
        self._rest = threading.local()
        self.buffer = _Buffer(self, number)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """UTF-8, whatever the caller's locale: it is what the daemon speaks."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """How text is encoded that has no UTF-8: surrogates become `?`."""
        return "replace"

    def writable(self) -> bool:
        """Returns true."""
        return True

    def isatty(self) -> bool:
        """Returns true if the caller's stream is a terminal."""
        call = emitting()
        return call is not None and call.console.is_terminal(self._number)

    def write(self, text: str) -> int:
        """Writes to the caller, or to the log; returns the length of the text."""
        call = emitting()
        if call is None:
            self.log(text)
        else:
            try:
                emit(call, lambda: call.console.output(self._number, text))
            except UnicodeEncodeError:
                data = text.encode(errors=self.errors)
                emit(call, lambda: call.console.output_bytes(self._number, data))
        return len(text)

    def log(self, text: str) -> None:
        """Writes whole lines of text to the log."""
        *lines, rest = (getattr(self._rest, "text", "") + text).split("\n")
        # A line without an end is logged in pieces rather than kept for ever.
        if len(rest) > io.DEFAULT_BUFFER_SIZE:
            lines, rest = [*lines, rest], ""
        self._rest.text = rest
        for line in lines:
            if line.strip():
                self._logger.log(self._level, "%s", line)


class _Buffer(io.BufferedIOBase):
    """The binary stream below an `OutputStream`."""

    def __init__(self, text: OutputStream, number: int) -> None:
        self._text = text
        self._number = number

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._text.isatty()

    def write(self, data: bytes) -> int:  # type: ignore[override]
        call = emitting()
        piece = bytes(data)
        if call is None:
            self._text.log(piece.decode("utf-8", "replace"))
        else:
            emit(call, lambda: call.console.output_bytes(self._number, piece))
        return len(piece)


def emitting() -> Call | None:
    """Returns the call whose code runs, if its caller reads what it writes."""
    call: Call | None = current.get()  # type: ignore[assignment]
    return call if call is not None and call.console.emits else None


def emit(call: Call, send: Callable[[], bool]) -> None:
    """Sends something to the caller, and waits for room where the thread may wait.

    A loop never waits: a coroutine that writes more than its caller reads takes memory until its
    next `await`.

    Raises:
        KeyboardInterrupt: The caller has gone, and no coroutine runs here, which is cancelled.
    """
    has_room = send()
    # Without a loop nothing has imported it.
    asyncio = sys.modules.get("asyncio.events")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return
    if not has_room:
        call.console.wait_for_room()
    if call.cancelled:
        raise KeyboardInterrupt("the call was cancelled")
