"""Text for people at a terminal."""

from __future__ import annotations

from typing import Any

from skills_daemon.colors import bold, cyan, dim, green, red, yellow
from skills_daemon.formatters.base import BaseFormatter
from skills_daemon.formatters.record import ID_FIELDS, LABEL_FIELDS, first_filled


class HumanFormatter(BaseFormatter):
    """Writes colours, symbols and indentation; the usual base of a plugin's own formatters."""

    def format(self, data: Any) -> str:
        """Returns one line per field of a dictionary or item of a list, else the value itself."""
        if isinstance(data, dict):
            return self._format_dict(data)
        if isinstance(data, list):
            return self._format_list(data)
        return str(data)

    def format_error(self, error: str, hint: str | None = None) -> str:
        """Returns the error in a line and the hint in another."""
        text = f"{red(self.icon('error'))} {red('Error:')} {error}"
        return f"{text}\n{dim(f'Hint: {hint}')}" if hint else text

    def format_success(self, message: str, data: dict[str, Any] | None = None) -> str:
        """Returns the message alone."""
        return f"{green(self.icon('success'))} {message}"

    def _format_dict(self, data: dict[Any, Any], indent: int = 0) -> str:
        lines = []
        for name, value in data.items():
            start = "  " * indent + bold(f"{name}:")
            if isinstance(value, dict):
                lines += [start, self._format_dict(value, indent + 1)]
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                lines.append(f"{start} [{len(value)} items]")
            else:
                lines.append(f"{start} {value}")
        return "\n".join(lines)

    def _format_list(self, items: list[Any]) -> str:
        if not items:
            return yellow("No results")
        bullet = self.icon("bullet")
        return "\n".join(f"{bullet} {self._format_item(item)}" for item in items)

    def _format_item(self, item: Any) -> str:
        if not isinstance(item, dict):
            return f"{item}"
        identity = first_filled(item, ID_FIELDS)
        label = first_filled(item, (*LABEL_FIELDS, "description"))
        if identity and label and str(identity) != str(label):
            return f"{cyan(str(identity))}: {label}"
        return f"{identity or label or item}"
