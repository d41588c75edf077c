"""Log records with key-value context, and the id of the request they belong to.

`logger` writes to the standard logger `skills-daemon` and installs no handler of its own. In the
daemon a handler on the root logger stores the records together with those of plugins that use the
standard `logging`; elsewhere whatever the program has set up applies.

Each record has two attributes more than a standard one: `event`, the message, and `context`, a
dictionary of the keyword arguments.
"""

from __future__ import annotations

import contextvars
import logging
import os
from typing import Any

_REQUEST_ID_BYTES = 4

request_id_ctx: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "request_id", default=None
)
"""Id of the request that the current task or thread works on; None outside of requests."""


def get_request_id() -> str | None:
    """Returns the id of the running request, or None outside of requests."""
    return request_id_ctx.get()


def set_request_id(request_id: str) -> contextvars.Token[str | None]:
    """Sets the id of the running request and returns a token for `request_id_ctx.reset`."""
    return request_id_ctx.set(request_id)


def generate_request_id() -> str:
    """Returns a new random request id: 8 lower-case hexadecimal digits."""
    return os.urandom(_REQUEST_ID_BYTES).hex()


class DaemonLogger:
    """Writes messages with key-value context to a standard logger.

    The message is never a format string, so a `%` in it is safe. `exc_info=True`, or an exception,
    adds a traceback as in the standard `logging` and is not part of the context.

    Attributes:
        logger: The standard logger that receives the records.
    """

    def __init__(self, name: str = "skills-daemon") -> None:
        """Wraps the standard logger of the given name."""
        self.logger = logging.getLogger(name)

    def log(self, level: str, event: str, **context: Any) -> None:
        """Logs at a level given by name, such as `INFO`.

        Raises:
            ValueError: `logging` has no level of this name.
        """
        number = logging.getLevelName(level.upper())
        if not isinstance(number, int):
            raise ValueError(f"unknown log level {level!r}")
        self._emit(number, event, context)

    def debug(self, message: str, **context: Any) -> None:
        """Logs a detail for the search for a fault."""
        self._emit(logging.DEBUG, message, context)

    def info(self, message: str, **context: Any) -> None:
        """Logs a normal event."""
        self._emit(logging.INFO, message, context)

    def warning(self, message: str, **context: Any) -> None:
        """Logs an unexpected event that did no harm."""
        self._emit(logging.WARNING, message, context)

    def error(self, message: str, **context: Any) -> None:
        """Logs a failure."""
        self._emit(logging.ERROR, message, context)

    def _emit(self, level: int, message: str, context: dict[str, Any]) -> None:
        exc_info = context.pop("exc_info", None)
        self.logger.log(
            level,
            message,
            exc_info=exc_info,
            extra={"event": str(message), "context": context},
            # Two frames, this one and `info` or its like, lie between the caller and the logger.
            stacklevel=3,
        )


logger = DaemonLogger()
"""Logger of the daemon and its plugins."""
