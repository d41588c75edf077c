"""The home of the chance test: its programs, its daemon, what its plugins answer."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from harness import chance_check, process
from harness.chance_plugins import KINDS, Plugin, folder_of
from harness.daemon import LOOK_AGAIN, Home

#: Seconds until all is settled at the end.
_SETTLING_MAX = 90


class World:
    """A home whose daemon listens on a fixed port.

    Args:
        home: The home.

    Attributes:
        plugins: All plugins on disk; the first, one of each kind, are never removed.
        environment: That of all programs.
    """

    def __init__(self, home: Home) -> None:
        self.home = home
        self.plugins = [Plugin(kind, kind, folder_of(home.directory, kind)) for kind in KINDS]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.environment = home.environment() | {"SKILLS_DAEMON_PORT": str(port)}

    def settle(self) -> list[str]:
        """Waits until every plugin answers what lies on disk; returns what does not."""
        deadline = time.monotonic() + _SETTLING_MAX
        while complaints := self._unsettled():
            if time.monotonic() > deadline:
                return complaints
            time.sleep(LOOK_AGAIN * 10)
        return []

    def end(self) -> None:
        """Stops the daemon; kills what does not stop."""
        pid = self.pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            self.control("stop")
        for other in chance_check.processes(self.home):
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGKILL)

    def control(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.home.binaries / "skills-daemon", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def _call(self, plugin: Plugin) -> None:
        words = [self.home.client, plugin.name, "version"]
        subprocess.run(words, env=self.environment, capture_output=True, timeout=600)

    def pid(self) -> int | None:
        """The process id in the pid file, of a host of this home that lives."""
        try:
            pid = int((self.home.runtime / "state/daemon.pid").read_text())
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if b"skills-host" in line and process.is_alive(pid) else None

    def _unsettled(self) -> list[str]:
        done = self.control("status", "--json")
        try:
            status = json.loads(done.stdout)
            listed = {plugin["name"]: plugin for plugin in status["plugins"]}
        except (ValueError, KeyError):
            # The next call starts one.
            self._call(self.plugins[0])
            return [f"no daemon answers: {done.stdout or done.stderr}"]
        complaints = []
        for plugin in self.plugins:
            entry = listed.pop(plugin.name, {"state": "missing"})
            if entry["state"] != "ready" or "next" in entry or "detail" in entry:
                complaints.append(f"{plugin.name} is {json.dumps(entry)}")
            elif (answer := self._answer(status["port"], plugin)) != plugin.version:
                complaints.append(f"{plugin.name} answers {answer}, not {plugin.version}")
        known = [entry for entry in listed.values() if "/.claude/" in entry["path"]]
        return complaints + [f"{entry['name']} was removed" for entry in known]

    def _answer(self, port: int, plugin: Plugin) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", plugin.path)
            return json.loads(connection.getresponse().read()).get("version")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return repr(error)
        finally:
            connection.close()


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Returns the end of what a program printed."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1].strip()[:80] if lines else f"exit {done.returncode}"
