"""`os._exit`, which ends the daemon: the plugin that calls it is noted first."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import _skills_host

_exit = os._exit


def install() -> None:
    """Replaces `os._exit`."""
    os._exit = _noted_exit


def _noted_exit(status: int) -> NoReturn:
    """Notes the plugin whose code this thread runs, then ends the process."""
    caller = sys._getframe(1)
    place = f"{caller.f_code.co_filename} line {caller.f_lineno} in {caller.f_code.co_name}"
    # Whatever is passed: the process is to end, or the error to be that of `os._exit`.
    if isinstance(status, int):
        _skills_host.exiting(status & 0xFF, place)
    _exit(status)
