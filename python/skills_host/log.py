"""Python's logging, warnings and standard streams, written to the daemon's log."""

from __future__ import annotations

import contextvars
import io
import json
import logging
import sys
import threading
import traceback
from typing import Any

import _skills_host
from skills_daemon.colors import force_colors
from skills_daemon.logging import request_id_ctx

#: Name of the plugin whose code runs; empty for the host's own.
plugin_ctx: contextvars.ContextVar[str] = contextvars.ContextVar("plugin", default="")


class _DaemonHandler(logging.Handler):
    """Passes records to the daemon's log."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            context = getattr(record, "context", None)
            exception = None
            if record.exc_info and record.exc_info[1] is not None:
                exception = "".join(traceback.format_exception(*record.exc_info))
            _skills_host.log(
                record.levelno,
                record.name,
                record.getMessage(),
                plugin_ctx.get(),
                request_id_ctx.get(),
                json.dumps(context, default=str) if context else None,
                exception,
            )
        except Exception:
            self.handleError(record)


class _LogStream(io.TextIOBase):
    """A text stream whose lines become log records, for plugins that print."""

    def __init__(self, name: str, level: int) -> None:
        self._logger = logging.getLogger(name)
        self._level = level
        self._rest = threading.local()

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, rest = (getattr(self._rest, "text", "") + text).split("\n")
        # A line without an end is logged in pieces rather than kept for ever.
        if len(rest) > io.DEFAULT_BUFFER_SIZE:
            lines, rest = [*lines, rest], ""
        self._rest.text = rest
        for line in lines:
            if line.strip():
                self._logger.log(self._level, "%s", line)
        return len(text)


def install(level: str) -> None:
    """Sends `logging`, warnings, prints and unhandled exceptions of threads to the daemon's log.

    Args:
        level: The least level that is logged: DEBUG, INFO, WARNING or ERROR.
    """
    root = logging.getLogger()
    root.handlers[:] = [_DaemonHandler()]
    set_level(level)
    logging.captureWarnings(True)
    logging.raiseExceptions = False
    sys.stdout = _LogStream("stdout", logging.INFO)
    sys.stderr = _LogStream("stderr", logging.WARNING)
    threading.excepthook = _log_thread_exception
    # The client strips colours when its output is no terminal.
    force_colors(True)


def set_level(level: str) -> None:
    """Sets the least level of the records that are logged: DEBUG, INFO, WARNING or ERROR."""
    logging.getLogger().setLevel(level)


def _log_thread_exception(args: Any) -> None:
    logging.getLogger("threading").error(
        "unhandled exception in thread %s",
        args.thread.name if args.thread else "?",
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )
