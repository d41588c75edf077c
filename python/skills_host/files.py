"""Responses that are files."""

from __future__ import annotations

import os
import stat
from typing import Any


def is_plain_file(response: Any) -> bool:
    """Returns true for a response that sends its file as Starlette's own class does."""
    from starlette.responses import FileResponse

    return type(response).__call__ is FileResponse.__call__


def read_metadata(response: Any) -> None:
    """Gives a `FileResponse` the metadata of its file, which it would read on a thread.

    The change of the thread would cost more than all the rest of the answer. A file that is
    missing, or is none, is left to the response, which raises its own exceptions.
    """
    if getattr(response, "stat_result", response) is not None:
        return
    try:
        found = os.stat(response.path)
    except OSError:
        return
    if stat.S_ISREG(found.st_mode):
        response.set_stat_headers(found)
        response.stat_result = found
