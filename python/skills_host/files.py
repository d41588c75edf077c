"""Responses that are files."""

from __future__ import annotations

import os
import stat
from typing import Any


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
