"""The daemon in a temporary HOME."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import process

BENCH = Path(__file__).parent.parent
PLUGINS = BENCH / "plugins"

#: Seconds that installing and loading all plugins may take.
_LOADING_MAX = 600
#: Seconds between two polls.
LOOK_AGAIN = 0.02


class DaemonError(Exception):
    """The daemon or a plugin does not start."""


@dataclass(frozen=True)
class Home:
    """A HOME of its own, and the executables to use in it."""

    directory: Path
    binaries: Path

    @property
    def runtime(self) -> Path:
        """The daemon's runtime directory."""
        return self.directory / ".local/share/skills-daemon"

    @property
    def venv_python(self) -> Path:
        """The interpreter of the daemon's venv."""
        return self.runtime / "venv/bin/python"

    @property
    def client(self) -> Path:
        """`skills-client`."""
        return self.binaries / "skills-client"

    def environment(self, plugins: Sequence[Path] = ()) -> dict[str, str]:
        """The environment for programs that run in this home."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SKILLS_DAEMON_", "XDG_", "PYTHON"))
        }
        return kept | {
            "HOME": str(self.directory),
            "PYTHONPYCACHEPREFIX": str(self.directory / "pycache"),
            "SKILLS_DAEMON_PORT": "0",
            "SKILLS_DAEMON_TIMEOUT": "0",
            "SKILLS_DAEMON_PLUGINS": ":".join(map(str, plugins)),
        }

    def control(self, *arguments: str, plugins: Sequence[Path] = ()) -> str:
        """Runs `skills-daemon` and returns what it prints.

        Raises:
            DaemonError: Its exit status was not 0.
        """
        done = subprocess.run(
            [self.binaries / "skills-daemon", *arguments],
            env=self.environment(plugins),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LOADING_MAX,
        )
        if done.returncode != 0:
            raise DaemonError(f"skills-daemon {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout


@contextmanager
def home(binaries: Path) -> Iterator[Home]:
    """A temporary home; its path is short, because a Unix socket's must be.

    Contains `page.txt`, the file that the plugin `bench` answers.
    """
    directory = Path(tempfile.mkdtemp(prefix="skb-"))
    try:
        (directory / "page.txt").write_bytes(
            b"A line of sixty-four bytes, with its end, is what is here now.\n" * 1024
        )
        yield Home(directory, binaries)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass(frozen=True)
class Daemon:
    """A daemon whose plugins are loaded."""

    pid: int
    url: str


@contextmanager
def daemon(home: Home, plugins: Sequence[Path]) -> Iterator[Daemon]:
    """Runs the daemon with `plugins`.

    Raises:
        DaemonError: It or one of `plugins` does not start.
    """
    started = None
    try:
        home.control("start", plugins=plugins)
        started = _loaded(home, plugins)
        yield started
    finally:
        _stop(home, started)


def _loaded(home: Home, plugins: Sequence[Path]) -> Daemon:
    deadline = time.monotonic() + _LOADING_MAX
    while time.monotonic() < deadline:
        status = json.loads(home.control("status", "--json"))
        if all(plugin["state"] != "loading" for plugin in status["plugins"]):
            break
        time.sleep(LOOK_AGAIN)
    else:
        raise DaemonError("the plugins do not finish loading")
    wanted = {str(path) for path in plugins}
    bad = [p for p in status["plugins"] if p["path"] in wanted and p["commands"] == 0]
    if bad:
        raise DaemonError(f"a plugin does not load: {json.dumps(bad, indent=2)}")
    return Daemon(status["pid"], f"http://127.0.0.1:{status['port']}")


def _stop(home: Home, started: Daemon | None) -> None:
    try:
        home.control("stop")
    except (DaemonError, subprocess.TimeoutExpired) as error:
        print(f"stopping the daemon failed: {error}")
    if started and process.is_alive(started.pid):
        os.kill(started.pid, signal.SIGKILL)
