"""Settings of the daemon, as its environment gives them.

| variable | field | default |
| --- | --- | --- |
| `SKILLS_DAEMON_HOST` | `host` | `127.0.0.1` |
| `SKILLS_DAEMON_PORT` | `port` | 9100 |
| `SKILLS_DAEMON_TIMEOUT` | `idle_timeout`, seconds | 1800 |
| `SKILLS_DAEMON_SHUTDOWN_TIMEOUT` | `shutdown_timeout`, seconds | 10 |
| `SKILLS_DAEMON_LOG_LEVEL` | `log_level` | `INFO` |
| `SKILLS_DAEMON_RUNTIME_DIR` | `runtime_dir` | `$XDG_DATA_HOME/skills-daemon` |

A variable that is empty counts as not set. One that makes no sense is reported in the log and its
default is used: a typing error in the environment must not make every plugin unimportable.

To add a setting, add a field whose default factory calls `_text` or `_whole_number`, and a row
above.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from skills_daemon.logging import logger

_PREFIX = "SKILLS_DAEMON_"
_HIGHEST_PORT = 65535


def _text(name: str, default: str) -> str:
    """Returns the variable `SKILLS_DAEMON_<name>`, or the default if it is unset or empty."""
    return os.environ.get(_PREFIX + name) or default


def _whole_number(name: str, default: int, highest: int | None = None) -> int:
    """Returns the variable `SKILLS_DAEMON_<name>` as a number from 0 to `highest`.

    Anything else is reported as a warning, and the default is returned.
    """
    value = _text(name, str(default))
    try:
        number = int(value)
    except ValueError:
        number = -1
    if number < 0 or (highest is not None and number > highest):
        wanted = "a whole number, 0 or more" if highest is None else f"a number from 0 to {highest}"
        logger.warning(f"{_PREFIX}{name} is {value!r}, not {wanted}; using the default {default}")
        return default
    return number


def _runtime_dir() -> Path:
    """Returns the directory that holds everything the daemon writes."""
    chosen = os.environ.get(_PREFIX + "RUNTIME_DIR")
    if chosen:
        return Path(os.path.expanduser(chosen))
    data_home = os.environ.get("XDG_DATA_HOME", "")
    # The XDG base directory specification tells programs to ignore a relative path here.
    if not os.path.isabs(data_home):
        data_home = os.path.expanduser("~/.local/share")
    return Path(data_home, "skills-daemon")


@dataclass(frozen=True)
class DaemonConfig:
    """Settings of the daemon; fields that are not given come from the environment.

    Attributes:
        host: Address to listen on. The default is loopback, so nobody else reaches the daemon.
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
    runtime_dir: Path = field(default_factory=_runtime_dir)
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
        return f"http://localhost:{self.port}"

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
