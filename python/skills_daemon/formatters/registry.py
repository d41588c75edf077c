"""Formatters that plugins provide for their own kinds of data."""

from __future__ import annotations

from skills_daemon.formatters.base import BaseFormatter
from skills_daemon.formatters.builtin import get_formatter


class FormatterRegistry:
    """Formatter classes by `plugin:data_type:format`; the data type `*` stands for all others."""

    def __init__(self) -> None:
        """Creates an empty registry."""
        self._formatters: dict[str, type[BaseFormatter]] = {}

    def register(
        self,
        plugin: str,
        data_type: str,
        format_name: str,
        formatter_class: type[BaseFormatter],
    ) -> None:
        """Adds a formatter class, which is called without arguments at each use."""
        self._formatters[_key(plugin, data_type, format_name)] = formatter_class

    def unregister(self, plugin: str, data_type: str, format_name: str) -> bool:
        """Removes a formatter class; returns False if none was registered."""
        return self._formatters.pop(_key(plugin, data_type, format_name), None) is not None

    def get(self, plugin: str, data_type: str, format_name: str = "human") -> BaseFormatter:
        """Returns a new formatter: for the data type, else for the plugin, else the built-in."""
        for candidate in (data_type, "*"):
            formatter_class = self._formatters.get(_key(plugin, candidate, format_name))
            if formatter_class is not None:
                return formatter_class()
        return get_formatter(format_name)

    def list_registered(self, plugin: str | None = None) -> list[str]:
        """Returns the keys `plugin:data_type:format` of one plugin, or of all."""
        if not plugin:
            return list(self._formatters)
        return [key for key in self._formatters if key.startswith(f"{plugin}:")]

    def clear(self, plugin: str | None = None) -> int:
        """Removes the formatters of one plugin, or all, and returns how many there were."""
        keys = self.list_registered(plugin)
        for key in keys:
            del self._formatters[key]
        return len(keys)


formatter_registry = FormatterRegistry()
"""Formatters of the plugins that are loaded in this process."""


def get_plugin_formatter(plugin: str, data_type: str, format_name: str = "human") -> BaseFormatter:
    """Returns a new formatter for a plugin's data, from the registry of this process."""
    return formatter_registry.get(plugin, data_type, format_name)


def _key(plugin: str, data_type: str, format_name: str) -> str:
    return f"{plugin}:{data_type}:{format_name}"
