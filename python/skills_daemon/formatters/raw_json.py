"""JSON, for programs."""

from __future__ import annotations

import json
from typing import Any

from skills_daemon.formatters.base import BaseFormatter


class JsonFormatter(BaseFormatter):
    """Writes indented JSON; values that are not JSON are written as text, by `str`."""

    def format(self, data: Any) -> str:
        """Returns the data as JSON, with characters beyond ASCII as they are."""
        return json.dumps(data, indent=2, ensure_ascii=False, default=str)

    def format_error(self, error: str, hint: str | None = None) -> str:
        """Returns an object with `success` false, `error` and `hint`, in ASCII."""
        return _dump_ascii({"success": False, "error": error, "hint": hint})

    def format_success(self, message: str, data: dict[str, Any] | None = None) -> str:
        """Returns an object with `success` true, `message` and the fields of the data, in ASCII."""
        return _dump_ascii({"success": True, "message": message, **(data or {})})


def _dump_ascii(data: dict[str, Any]) -> str:
    return json.dumps(data, indent=2, default=str)
