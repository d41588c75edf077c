"""Python's logging, warnings and standard streams, written to the daemon's log."""

from __future__ import annotations

import contextvars
import json
import logging
import sys
import threading
import traceback
from typing import Any

import _skills_host
from skills_daemon._call import current as current_call
from skills_daemon.colors import force_colors
from skills_daemon.logging import request_id_ctx
from skills_host.streams import STDERR, STDOUT, OutputStream, emitting

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
            message = record.getMessage()
            call: Any = current_call.get()
            if record.name == "py.warnings" and (emits := emitting()) is not None:
                emits.console.output(STDERR, message)
            elif call is not None and call.console.shows_log:
                text = message if exception is None else f"{message}\n{exception.rstrip()}"
                call.console.log(max(0, min(record.levelno, 255)), record.name, text)
            _skills_host.log(
                record.levelno,
                record.name,
                message,
                plugin_ctx.get(),
                request_id_ctx.get(),
                json.dumps(context, default=str) if context else None,
                exception,
            )
        except Exception:
            self.handleError(record)


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
    sys.stdout = OutputStream("stdout", logging.INFO, STDOUT)
    sys.stderr = OutputStream("stderr", logging.WARNING, STDERR)
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
