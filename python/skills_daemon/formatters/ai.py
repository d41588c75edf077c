"""Text for language models: short, without decoration."""

from __future__ import annotations

from typing import Any, Final

from skills_daemon.formatters.base import BaseFormatter
from skills_daemon.formatters.record import ID_FIELDS, LABEL_FIELDS, first_filled

_MAX_ITEMS: Final = 20
_MAX_LABEL: Final = 60


class AIFormatter(BaseFormatter):
    """Spends few tokens: long lists and labels are cut, nested lists only counted."""

    def format(self, data: Any) -> str:
        """Returns one line per field of a dictionary or item of a list, else the value itself."""
        if isinstance(data, dict):
            return self._format_dict(data)
        if isinstance(data, list):
            return self._format_list(data)
        return str(data)

    def format_error(self, error: str, hint: str | None = None) -> str:
        """Returns error and hint in one line."""
        return f"ERROR: {error} (hint: {hint})" if hint else f"ERROR: {error}"

    def format_success(self, message: str, data: dict[str, Any] | None = None) -> str:
        """Returns the message alone."""
        return f"OK: {message}"

    def _format_dict(self, data: dict[Any, Any], prefix: str = "") -> str:
        lines = []
        for name, value in data.items():
            start = f"{prefix}{name}:"
            if isinstance(value, dict):
                lines += [start, self._format_dict(value, prefix + "  ")]
            elif isinstance(value, list):
                lines.append(f"{start} [{len(value)} items]")
            else:
                lines.append(f"{start} {value}")
        return "\n".join(lines)

    def _format_list(self, items: list[Any]) -> str:
        if not items:
            return "NO_RESULTS"
        lines = [f"RESULTS: {len(items)} items"]
        lines += [f"- {self._format_item(item)}" for item in items[:_MAX_ITEMS]]
        if len(items) > _MAX_ITEMS:
            lines.append(f"... and {len(items) - _MAX_ITEMS} more")
        return "\n".join(lines)

    def _format_item(self, item: Any) -> str:
        if not isinstance(item, dict):
            return f"{item}"
        identity = first_filled(item, ID_FIELDS) or "?"
        label = first_filled(item, LABEL_FIELDS) or ""
        if isinstance(label, (str, list, tuple)):
            label = label[:_MAX_LABEL]
        if label and str(label) != str(identity):
            return f"{identity}: {label}"
        return f"{identity}"
