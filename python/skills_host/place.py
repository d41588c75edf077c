"""Where an exception comes from: file and line of the plugin's own code."""

from __future__ import annotations

import os
import types
from collections.abc import Iterator

#: First part of the names of all modules of plugins; see `realm`.
OWN = "_plugin_"


def where_and_why(error: BaseException, otherwise: str | None = None) -> str:
    """Returns the place and the message of an exception in one line.

    Args:
        error: The exception.
        otherwise: The place of an exception that passed through no code of a plugin.
    """
    name, message = type(error).__name__, " ".join(str(error).split()) or "no message"
    if isinstance(error, SyntaxError) and error.filename and os.path.isfile(error.filename):
        return f"{error.filename} line {error.lineno}: {name}: {error.msg}"
    own = [line for line in map(_line, _frames(error)) if line]
    place = own[-1] if own else otherwise
    return f"{place}: {name}: {message}" if place else f"{name}: {message}"


def own_line(frame: types.FrameType | None) -> str | None:
    """Returns file and line of the innermost frame of a plugin, from `frame` outwards."""
    while frame is not None:
        if line := _line((frame, frame.f_lineno)):
            return line
        frame = frame.f_back
    return None


def _frames(error: BaseException) -> Iterator[tuple[types.FrameType, int]]:
    """Yields the frames that the exception passed through, outermost first."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _line(at: tuple[types.FrameType, int]) -> str | None:
    """Returns file and line of a frame of a plugin."""
    frame, number = at
    module = frame.f_globals.get("__name__")
    if isinstance(module, str) and module.startswith(OWN):
        return f"{frame.f_code.co_filename} line {number}"
    return None
