"""What the SDK provides to one plugin: name, folder, settings, secrets, background tasks."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skills_daemon._plugin import current
from skills_daemon.config import plugin_secrets, plugin_table
from skills_daemon.own import frozen
from skills_daemon.tasks import Background, Work
from skills_host.background import Supervisor

if TYPE_CHECKING:
    from _skills_host import Board
    from skills_host.contract import Surroundings

logger = logging.getLogger("skills_host.own")

#: By which plugin a variable of the process was set last.
_variables: dict[str, str] = {}


class Own:
    """The plugin of this thread, as `skills_daemon._plugin.Plugin` declares it.

    Args:
        surroundings: The parameters of its load.
        board: Shows its background tasks to the other half.

    Attributes:
        name: Its name; until it is loaded, the name that is known before.
        settings: Its table in `config.toml`.
        secrets: Its table in `secrets.toml`.
        tasks: Its background tasks.
    """

    def __init__(self, surroundings: Surroundings, board: Board) -> None:
        self.name = surroundings["name"]
        self.settings: Mapping[str, Any] = frozen(surroundings["settings"])
        # Taken out: nothing else that has the parameters gets them.
        self.secrets: Mapping[str, str] = surroundings.pop("secrets")
        self.tasks = Supervisor(board.show)
        self._folders = Path(surroundings["data"])
        self._is_used = False
        current.set(self)

    @property
    def data(self) -> Path:
        """The folder for its data."""
        self._is_used = True
        return self._folders / self.name

    def background(
        self, work: Work, *, name: str | None, restart: bool, keeps_awake: bool
    ) -> Background:
        """Starts a background task."""
        return self.tasks.start(work, name=name, restart=restart, keeps_awake=keeps_awake)

    def loaded(self, name: str) -> None:
        """Takes over the name of the plugin, which is known once it is loaded."""
        if name == self.name:
            return
        if self._is_used:
            logger.warning(
                "data_dir() was called while %s was imported, when its name was not known, and"
                " returned the folder of '%s'; set `name` in its manifest.json",
                name,
                self.name,
            )
        self.name = name
        self.settings = frozen(plugin_table(name))
        try:
            self.secrets = plugin_secrets(name)
        except (OSError, ValueError) as error:
            logger.warning("%s has no secrets: %s", name, error)
            self.secrets = {}


def set_variables(plugin: str, variables: Mapping[str, str]) -> None:
    """Sets environment variables of the process for a plugin that is about to be imported."""
    for name, value in variables.items():
        other = _variables.get(name, plugin)
        if other != plugin and os.environ.get(name) != value:
            logger.warning(
                "the variable %s of %s replaces that of %s: variables are the process's, for all"
                " plugins",
                name,
                plugin,
                other,
            )
        _variables[name] = plugin
        if os.environ.get(name) != value:
            os.environ[name] = value
