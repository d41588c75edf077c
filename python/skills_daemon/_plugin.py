"""The plugin whose code runs, as the daemon provides it to the public functions of the SDK.

The host sets `current` on the plugin's thread before it imports the plugin, and every context of
the plugin is a copy of that one: hooks, handlers on the loop and in the pool, background tasks. It
sets it in the threads that a plugin starts by itself, too.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol


class Plugin(Protocol):
    """A plugin in the daemon."""

    @property
    def name(self) -> str:
        """Its name; while it is imported, the name that is known before."""

    @property
    def data(self) -> Path:
        """The folder for its data, which may not exist."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its table in `config.toml`, immutable."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """Its table in `secrets.toml`."""

    def background(self, work: Any, *, name: str | None, restart: bool, keeps_awake: bool) -> Any:
        """Starts a background task: a `Work` of `skills_daemon.tasks` gives a `Background`."""


current: ContextVar[Plugin | None] = ContextVar("skills_daemon.plugin", default=None)
"""The plugin whose code runs; None outside the daemon."""


def name_outside(depth: int = 2) -> str:
    """Returns the name of the plugin that calls a function of the SDK outside the daemon.

    Args:
        depth: How many calls lie between this function and the plugin's code.

    Returns:
        The name in the `manifest.json` beside the calling module, else the name of the module's
        top-level package.
    """
    module = sys._getframe(depth).f_globals
    file = module.get("__file__")
    if isinstance(file, str):
        try:
            manifest = json.loads(Path(file).with_name("manifest.json").read_bytes())
            return str(manifest["name"])
        except (OSError, ValueError, KeyError, TypeError):
            # No manifest, or none with a name.
            pass
    return str(module.get("__name__", "plugin")).partition(".")[0]
