"""Settings of the daemon.

| variable | in `config.toml` | field | default |
| --- | --- | --- | --- |
| `SKILLS_DAEMON_HOST` | `host` | `host` | `127.0.0.1` |
| `SKILLS_DAEMON_PORT` | `port` | `port` | 9100 |
| `SKILLS_DAEMON_TIMEOUT` | `timeout` | `idle_timeout`, seconds | 1800 |
| `SKILLS_DAEMON_SHUTDOWN_TIMEOUT` | `shutdown_timeout` | `shutdown_timeout`, seconds | 10 |
| `SKILLS_DAEMON_LOG_LEVEL` | `log_level` | `log_level` | `INFO` |
| `SKILLS_DAEMON_RUNTIME_DIR` | | `runtime_dir` | `$XDG_DATA_HOME/skills-daemon` |

In the daemon these are the settings that it has resolved and the address that it listens on: the
real port where 0 is set. Elsewhere, in a plugin's tests or a script, the environment is read, then
`config.toml`, by `tomllib` or `tomli`: Python 3.10 without `tomli` leaves the file out.

A variable that is empty counts as not set. An invalid value is logged as a warning and the default
is used: a typing error in the environment must not make every plugin unimportable.

To add a setting, add a field whose default factory calls `_text` or `_whole_number`, a row above,
and the key in `shown` of `src/bin/skills-host/embed.rs`.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skills_daemon.logging import logger

_PREFIX = "SKILLS_DAEMON_"
_HIGHEST_PORT = 65535
#: Hosts that `localhost` reaches.
_LOCALHOST = ("", "127.0.0.1", "0.0.0.0", "::", "localhost")


def _of_daemon() -> Mapping[str, object]:
    """Returns the settings of this daemon process; empty in other processes."""
    settings: Mapping[str, object] = getattr(sys.modules.get("_skills_host"), "settings", {})
    return settings


def _setting(name: str) -> tuple[str, str | None]:
    """Returns the source of the setting `<name>` and its text, which is `None` if it is not set."""
    key = name.lower()
    variable = _PREFIX + name
    if key in (of_daemon := _of_daemon()):
        return key, str(of_daemon[key])
    if value := os.environ.get(variable):
        return variable, value
    file = _config_file()
    value_in_file = _in_file(file).get(key)
    if isinstance(value_in_file, (str, int)):
        return f"{file}: `{key}`", str(value_in_file)
    return variable, None


def _config_file() -> Path:
    """Returns the path of `config.toml`, which may not exist."""
    beside = runtime_dir() / "config"
    if beside.is_dir():
        return beside / "config.toml"
    config_home = os.environ.get("XDG_CONFIG_HOME", "")
    if not os.path.isabs(config_home):
        config_home = os.path.expanduser("~/.config")
    return Path(config_home, "skills-daemon", "config.toml")


def _secrets_file() -> Path:
    """Returns the path of `secrets.toml`, which may not exist."""
    return _config_file().with_name("secrets.toml")


def _in_file(file: Path) -> Mapping[str, Any]:
    """Returns the table in a TOML file; empty if it does not exist or cannot be read."""
    try:
        changed = file.stat().st_mtime_ns
    except OSError:
        return {}
    return _parsed(file, changed)


@functools.lru_cache(maxsize=8)
def _parsed(file: Path, changed: int) -> Mapping[str, Any]:
    toml = _toml()
    if toml is None:
        return {}
    try:
        table: dict[str, Any] = toml.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        logger.warning(f"{file} cannot be read: {error}; using the defaults")
        return {}
    return table


def _toml() -> Any:
    """Returns the parser of TOML, `None` if this Python has none."""
    for name in ("tomllib", "tomli"):
        with suppress(ImportError):
            return importlib.import_module(name)
    return None


def plugin_secrets(name: str) -> Mapping[str, str]:
    """Returns the table `[<name>]` in `secrets.toml`; empty if there is none.

    Raises:
        PermissionError: Others than its owner can read the file.
        ValueError: It is invalid; the message has nothing of it.
    """
    file = _secrets_file()
    try:
        if file.stat().st_mode & 0o077:
            raise PermissionError(f"others than you can read {file}: run `chmod 600 {file}`")
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    toml = _toml()
    if toml is None:
        return {}
    try:
        table = toml.loads(text).get(name)
    except ValueError:
        # The error of the parser has the whole text.
        raise ValueError(f"{file} is not TOML") from None
    own = table if isinstance(table, dict) else {}
    return {key: value for key, value in own.items() if isinstance(value, str)}


def plugin_table(name: str) -> Mapping[str, Any]:
    """Returns the table `[plugins.<name>]` in `config.toml`; empty if there is none."""
    plugins = _in_file(_config_file()).get("plugins")
    table = plugins.get(name) if isinstance(plugins, dict) else None
    return table if isinstance(table, dict) else {}


def _text(name: str, default: str) -> str:
    """Returns the setting `<name>`, or the default if it is unset or empty."""
    return _setting(name)[1] or default


def _whole_number(name: str, default: int, highest: int | None = None) -> int:
    """Returns the setting `<name>` as a number from 0 to `highest`.

    Any other value is logged as a warning, and the default is returned.
    """
    source, value = _setting(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        number = -1
    if number < 0 or (highest is not None and number > highest):
        wanted = "a whole number, 0 or more" if highest is None else f"a number from 0 to {highest}"
        logger.warning(f"{source} is {value!r}, not {wanted}; using the default {default}")
        return default
    return number


def runtime_dir() -> Path:
    """Returns the directory that holds everything the daemon writes."""
    chosen = os.environ.get(_PREFIX + "RUNTIME_DIR")
    if chosen:
        return Path(os.path.expanduser(chosen))
    data_home = os.environ.get("XDG_DATA_HOME", "")
    # By the XDG base directory specification a relative path is ignored.
    if not os.path.isabs(data_home):
        data_home = os.path.expanduser("~/.local/share")
    return Path(data_home, "skills-daemon")


@dataclass(frozen=True)
class DaemonConfig:
    """Settings of the daemon; for fields that are not given, see this module.

    Attributes:
        host: Address to listen on; the default is loopback, unreachable for other machines.
        port: TCP port to listen on, 0 to 65535.
        idle_timeout: Seconds without a request after which the daemon stops.
        shutdown_timeout: Seconds that all plugins together have for their shutdown.
        log_level: Name of the lowest level that is logged, such as `INFO`.
        runtime_dir: Directory that holds everything the daemon writes.
        log_max_bytes: Size in bytes at which the log file is rotated.
        log_backup_count: Number of rotated log files that are kept.
    """

    host: str = field(default_factory=lambda: _text("HOST", "127.0.0.1"))
    port: int = field(default_factory=lambda: _whole_number("PORT", 9100, _HIGHEST_PORT))
    idle_timeout: int = field(default_factory=lambda: _whole_number("TIMEOUT", 1800))
    shutdown_timeout: int = field(default_factory=lambda: _whole_number("SHUTDOWN_TIMEOUT", 10))
    log_level: str = field(default_factory=lambda: _text("LOG_LEVEL", "INFO"))
    runtime_dir: Path = field(default_factory=runtime_dir)
    log_max_bytes: int = 5 * 1024 * 1024
    log_backup_count: int = 3

    @property
    def venv_dir(self) -> Path:
        """Virtual environment that holds what plugins depend on."""
        return self.runtime_dir / "venv"

    @property
    def log_dir(self) -> Path:
        """Directory of the log files."""
        return self.runtime_dir / "logs"

    @property
    def log_file(self) -> Path:
        """Log file that is written at present."""
        return self.log_dir / "daemon.log"

    @property
    def state_dir(self) -> Path:
        """Directory of the pid file, the socket and other state of the running daemon."""
        return self.runtime_dir / "state"

    @property
    def pid_file(self) -> Path:
        """File that holds the daemon's process id in decimal and a newline."""
        return self.state_dir / "daemon.pid"

    @property
    def daemon_url(self) -> str:
        """Address of the daemon for HTTP clients, without a trailing slash."""
        if self.host in _LOCALHOST:
            return f"http://localhost:{self.port}"
        host = self.host.strip("[]")
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def ensure_dirs(self) -> None:
        """Creates the runtime directory and the directories in it, where they do not exist.

        Raises:
            OSError: A directory cannot be created.
        """
        # The socket in here gives access to every plugin, so the directory is the user's alone.
        self.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self.venv_dir, self.log_dir, self.state_dir):
            directory.mkdir(exist_ok=True)


config = DaemonConfig()
"""Settings of this process, read when this module is imported."""
