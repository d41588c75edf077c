"""Markdown, for documents and chats."""

from __future__ import annotations

from typing import Any, Final

from skills_daemon.formatters.base import BaseFormatter

_MAX_COLUMNS: Final = 5
_MAX_ROWS: Final = 50
_MAX_CELL: Final = 30


class MarkdownFormatter(BaseFormatter):
    """Writes tables; nested values of a dictionary are left out, big tables are cut."""

    def format(self, data: Any) -> str:
        """Returns a table or, for a list of plain values, a bulleted list.

        Raises:
            AttributeError: A list starts with a dictionary and contains something else.
        """
        if isinstance(data, dict):
            return self._format_dict(data)
        if isinstance(data, list):
            return self._format_list(data)
        return str(data)

    def format_error(self, error: str, hint: str | None = None) -> str:
        """Returns the error, and the hint as a quotation."""
        text = f"**Error:** {error}"
        return f"{text}\n\n> Hint: {hint}" if hint else text

    def format_success(self, message: str, data: dict[str, Any] | None = None) -> str:
        """Returns the message alone."""
        return f"✓ **{message}**"

    def _format_dict(self, data: dict[Any, Any]) -> str:
        lines = ["| Field | Value |", "|-------|-------|"]
        lines += [
            f"| {name} | {_escape(str(value))} |"
            for name, value in data.items()
            if not isinstance(value, (dict, list))
        ]
        return "\n".join(lines)

    def _format_list(self, items: list[Any]) -> str:
        if not items:
            return "*No results*"
        if isinstance(items[0], dict):
            return self._format_table(items)
        return "\n".join(f"- {item}" for item in items)

    def _format_table(self, records: list[dict[Any, Any]]) -> str:
        columns = list(records[0])[:_MAX_COLUMNS]
        lines = [_row([str(column) for column in columns])]
        lines.append("|" + "|".join(["---"] * len(columns)) + "|")
        for record in records[:_MAX_ROWS]:
            cells = (str(record.get(column, ""))[:_MAX_CELL] for column in columns)
            lines.append(_row([_escape(cell) for cell in cells]))
        return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escape(text: str) -> str:
    """Keeps a pipe in a cell from ending the cell."""
    return text.replace("|", "\\|")
