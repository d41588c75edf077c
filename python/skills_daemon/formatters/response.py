"""Text of a route's result."""

from __future__ import annotations

from typing import Any

from skills_daemon.formatters.builtin import get_formatter
from skills_daemon.formatters.registry import get_plugin_formatter


def format_response(
    data: Any,
    format_name: str = "json",
    plugin: str | None = None,
    data_type: str | None = None,
) -> str:
    """Returns the text of a response, without the envelope that it may be wrapped in.

    Args:
        data: The result; or `{"success": true, "data": result}`; or an error, which is a dictionary
            with `success` false or with an `error`, and perhaps a `hint`.
        format_name: `human`, `json`, `ai`, `markdown`, or a format that the plugin has registered.
        plugin: Name of the plugin whose formatters are used, together with `data_type`.
        data_type: Kind of data, as the plugin has registered it.
    """
    if plugin and data_type:
        formatter = get_plugin_formatter(plugin, data_type, format_name)
    else:
        formatter = get_formatter(format_name)
    if isinstance(data, dict):
        if data.get("success") is False or "error" in data:
            return formatter.format_error(data.get("error", "Unknown error"), data.get("hint"))
        if "data" in data:
            return formatter.format(data["data"])
    return formatter.format(data)
