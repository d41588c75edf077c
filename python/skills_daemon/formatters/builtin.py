"""The built-in formats."""

from __future__ import annotations

from skills_daemon.formatters.ai import AIFormatter
from skills_daemon.formatters.base import BaseFormatter
from skills_daemon.formatters.human import HumanFormatter
from skills_daemon.formatters.markdown import MarkdownFormatter
from skills_daemon.formatters.raw_json import JsonFormatter

FORMATTERS: dict[str, type[BaseFormatter]] = {
    "human": HumanFormatter,
    "json": JsonFormatter,
    "ai": AIFormatter,
    "markdown": MarkdownFormatter,
}
"""Formatter classes by the name of their format."""


def get_formatter(format_name: str = "human") -> BaseFormatter:
    """Returns a new formatter for a format, in any case; `human` if there is none of this name."""
    return FORMATTERS.get(format_name.lower(), HumanFormatter)()
