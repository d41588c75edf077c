"""Text for results: for people, language models, documents and programs.

`format_response` turns the result of a route into text. A plugin changes the text of its own data
by registering a formatter class:

    class IssueFormatter(HumanFormatter):
        def format(self, data):
            return f"{self.icon('bullet')} {self.colorize(data['key'], 'cyan')}"

    formatter_registry.register("tracker", "issue", "human", IssueFormatter)

To add a format for everyone, derive from `BaseFormatter` in a module here and list the class in
`builtin.FORMATTERS`.
"""

from skills_daemon.formatters.ai import AIFormatter
from skills_daemon.formatters.base import BaseFormatter
from skills_daemon.formatters.builtin import FORMATTERS, get_formatter
from skills_daemon.formatters.human import HumanFormatter
from skills_daemon.formatters.markdown import MarkdownFormatter
from skills_daemon.formatters.raw_json import JsonFormatter
from skills_daemon.formatters.registry import (
    FormatterRegistry,
    formatter_registry,
    get_plugin_formatter,
)
from skills_daemon.formatters.response import format_response

__all__ = [
    "FORMATTERS",
    "AIFormatter",
    "BaseFormatter",
    "FormatterRegistry",
    "HumanFormatter",
    "JsonFormatter",
    "MarkdownFormatter",
    "format_response",
    "formatter_registry",
    "get_formatter",
    "get_plugin_formatter",
]
