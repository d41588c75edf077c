"""The load of the chance test: requests over connections that are kept, and calls of the client."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from harness.chance_plugins import Plugin
from harness.daemon import Home

#: Connections, and the requests per second on each.
_CONNECTIONS, _RATE = 6, 60
#: Seconds without an answer that are a failure.
_PATIENCE = 30
#: Seconds between two calls of the client.
_CALLS_EVERY = 0.5


@dataclass(frozen=True)
class Failed:
    """A request that failed."""

    at: float
    kind: str
    plugin: str


class Load:
    """Runs until `stop`; counts the requests.

    Args:
        home: The home, whose environment has a fixed port.
        environment: The environment of the client.
        plugins: The plugins that are called, none of which is ever removed.
    """

    def __init__(self, home: Home, environment: dict[str, str], plugins: Sequence[Plugin]) -> None:
        self._home, self._environment, self._plugins = home, environment, plugins
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self.requests = self.calls = 0
        self.failed: list[Failed] = []
        works = [self._request] * _CONNECTIONS + [self._call]
        self._threads = [threading.Thread(target=each, daemon=True) for each in works]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the load."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _request(self) -> None:
        port = int(self._environment["SKILLS_DAEMON_PORT"])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
        number = 0
        while not self._stopped.wait(1 / _RATE):
            plugin = self._plugins[number % len(self._plugins)]
            number += 1
            begun = time.time()
            try:
                connection.request("GET", plugin.path)
                response = connection.getresponse()
                body = response.read()
                kind = None if response.status == 200 else f"status {response.status}"
                if kind is None and "version" not in json.loads(body):
                    kind = "another answer"
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                kind = type(error).__name__
            self._count(begun, kind, plugin)

    def _call(self) -> None:
        number = 0
        while not self._stopped.wait(_CALLS_EVERY):
            plugin = self._plugins[number % len(self._plugins)]
            number += 1
            begun = time.time()
            words = [self._home.client, plugin.name, "version", "--json"]
            try:
                done = subprocess.run(
                    words, env=self._environment, capture_output=True, timeout=2 * _PATIENCE
                )
                kind = None if done.returncode == 0 else f"client exit {done.returncode}"
            except subprocess.TimeoutExpired:
                kind = "client hangs"
            self._count(begun, kind, plugin, is_call=True)

    def _count(self, at: float, kind: str | None, plugin: Plugin, is_call: bool = False) -> None:
        with self._lock:
            self.calls += is_call
            self.requests += not is_call
            if kind is not None:
                self.failed.append(Failed(at, kind, plugin.name))
