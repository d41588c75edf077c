"""The interface of a plugin, and a registry of plugins.

A plugin derives from `SkillPlugin`; `name`, `router`, `description` and `version` may be properties
or plain attributes. FastAPI is named for type checkers only: importing this module does not load
it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import APIRouter


class SkillPlugin(ABC):
    """A set of commands that the daemon serves under `/<name>/`.

    The daemon creates it without arguments, awaits `startup` and `connect`, serves `router`, and
    awaits `shutdown` when it stops or replaces the plugin. A lifespan of the router begins before
    `startup` and ends after `shutdown`. All of it runs on the plugin's own event loop. A hook or
    lifespan that fails is logged; the daemon, the other plugins and the plugin itself go on.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the plugin: its URL prefix and its command name."""

    @property
    @abstractmethod
    def router(self) -> APIRouter:
        """Routes of the plugin, read once when it is loaded."""

    @property
    def description(self) -> str:
        """Purpose of the plugin, in one line."""
        return ""

    @property
    def version(self) -> str:
        """Version of the plugin."""
        return "1.0.0"

    # The hooks below are optional, so a plugin overrides those it needs.

    async def startup(self) -> None:  # noqa: B027
        """Prepares the plugin before it serves requests."""

    async def connect(self) -> None:  # noqa: B027
        """Connects to the plugin's backend; called after `startup`."""

    async def reconnect(self) -> None:
        """Connects again after the connection was lost; calls `connect` unless overridden."""
        await self.connect()

    async def shutdown(self) -> None:  # noqa: B027
        """Releases the plugin's resources, within the daemon's shutdown timeout."""

    def health_check(self) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        """Returns the plugin's health: `status`, and any details. May be a coroutine function."""
        return {"status": "ok"}


class PluginRegistry:
    """Plugins by name, in the order in which they were registered."""

    def __init__(self) -> None:
        """Creates an empty registry."""
        self._plugins: dict[str, SkillPlugin] = {}

    def register(self, plugin: SkillPlugin) -> None:
        """Adds a plugin; it takes the place of one that has the same name."""
        self._plugins[plugin.name] = plugin

    def unregister(self, name: str) -> SkillPlugin | None:
        """Removes a plugin and returns it, or None if there is none of this name."""
        return self._plugins.pop(name, None)

    def clear(self) -> list[str]:
        """Removes all plugins and returns their names."""
        names = self.names()
        self._plugins.clear()
        return names

    def get(self, name: str) -> SkillPlugin | None:
        """Returns the plugin of this name, or None."""
        return self._plugins.get(name)

    def all(self) -> list[SkillPlugin]:
        """Returns all plugins."""
        return list(self._plugins.values())

    def names(self) -> list[str]:
        """Returns the names of all plugins."""
        return list(self._plugins)


registry = PluginRegistry()
"""Plugins that are loaded in this process."""
