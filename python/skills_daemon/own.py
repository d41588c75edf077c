"""What belongs to a single plugin: its folder, its settings and its secrets.

The functions find the plugin by the context of the caller: they work while the plugin is imported,
in its hooks, its handlers and its background tasks. While it is imported its name may not be known
yet; a plugin that calls them there has `name` in its `manifest.json`.

Outside the daemon, in tests or a script, the plugin is the one whose module calls: its name is that
in the `manifest.json` beside the module, else that of the module's top-level package.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, overload

from skills_daemon._plugin import current, name_outside
from skills_daemon.commands import CommandError
from skills_daemon.config import plugin_secrets, plugin_table, runtime_dir

_T = TypeVar("_T")
_MISSING: Any = object()


def data_dir() -> Path:
    """Returns the plugin's own folder, `data/NAME` in the daemon's runtime directory.

    It is created at the first call, accessible for the user only, and kept over reloads and
    upgrades.

    Raises:
        OSError: The folder cannot be created.
    """
    plugin = current.get()
    folder = plugin.data if plugin is not None else runtime_dir() / "data" / name_outside()
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def settings() -> Mapping[str, Any]:
    """Returns the plugin's table `[plugins.NAME]` in `config.toml`, empty without one.

    It has all keys of the table, those of the daemon (`enabled`, `loops`, `timeout`, `limits`,
    `env`) too, as they were when the plugin was loaded. It is immutable: tables are mappings
    without methods for changes, arrays are tuples.
    """
    plugin = current.get()
    return plugin.settings if plugin is not None else frozen(plugin_table(name_outside()))


class Secret(str):
    """A secret: a `str` that can be given to any library, and whose `repr` does not show it.

    Collections, dataclasses and `%r` in log records show the `repr`. `str()`, `print` and f-strings
    have the text itself, as `f"Bearer {token}"` needs it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


@overload
def stored_secret(name: str) -> Secret: ...
@overload
def stored_secret(name: str, default: _T) -> Secret | _T: ...
def stored_secret(name: str, default: Any = _MISSING) -> Any:
    """Returns a secret of the plugin, which the user has stored with `skills-daemon secret set`.

    A plugin gets only its own secrets: the table of its name in `secrets.toml`, as it was when the
    plugin was loaded. A changed one loads the plugin again. (`secret` asks at the terminal.)

    Args:
        name: The name of the secret: `token`.
        default: What is returned if it is not stored.

    Raises:
        CommandError: It is not stored, and there is no default.
        PermissionError: Outside the daemon: others than its owner can read `secrets.toml`.
    """
    plugin = current.get()
    owner = plugin.name if plugin is not None else name_outside()
    secrets = plugin.secrets if plugin is not None else plugin_secrets(owner)
    if name in secrets:
        return Secret(secrets[name])
    if default is not _MISSING:
        return default
    raise CommandError(
        f"{owner} has no secret '{name}'",
        hint=f"Run `skills-daemon secret set {owner} {name}`.",
    )


def frozen(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns an immutable copy of a table."""
    return MappingProxyType({key: _frozen_value(value) for key, value in table.items()})


def _frozen_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozen(value)
    if isinstance(value, list):
        return tuple(_frozen_value(each) for each in value)
    return value
