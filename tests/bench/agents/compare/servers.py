"""The daemon and FastMCP's servers, in a fresh HOME."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from messages import ACCEPTING, INITIALIZE, INITIALIZED, OLD
from process import memory, tree
from programs import FASTEST, FUNCTIONS, SERVERS


@dataclass
class Home:
    """A HOME with plugins."""

    directory: Path
    programs: Path
    env: dict[str, str]

    def plugin(self, name: str, source: str, about: str = "Sums and products") -> None:
        """Add a plugin."""
        below = f".claude/plugins/marketplaces/m/plugins/{name}/skills/{name}/scripts/skills_plugin"
        (self.directory / below).mkdir(parents=True)
        (self.directory / below / "__init__.py").write_text(source)
        manifest = json.dumps({"name": name, "description": about})
        (self.directory / below / "manifest.json").write_text(manifest)

    def control(self, *arguments: str) -> str:
        """Run ``skills-daemon`` and return what it prints."""
        command = [str(self.programs / "skills-daemon"), *arguments]
        return subprocess.run(
            command, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True
        ).stdout


@contextmanager
def home(programs: Path) -> Iterator[Home]:
    """Make a HOME; its path is short, as that of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="cmp-", ignore_cleanup_errors=True) as name:
        own = ("SKILLS_DAEMON_", "XDG_", "PYTHON", "FASTMCP_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
        yield Home(Path(name), programs, kept | {"HOME": name, "SKILLS_DAEMON_PORT": "0"})


@dataclass
class Server:
    """A server of tools over HTTP."""

    pid: int
    port: int
    path: str = "/mcp"

    def post(
        self, body: Any, headers: dict[str, str] | None = None, path: str | None = None
    ) -> tuple[str | None, str]:
        """Send a message; return the session of the answer, and its text."""
        path = path or self.path
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", path, json.dumps(body), ACCEPTING | (headers or {}))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status >= 300:
            sys.exit(f"{path}: {answer.status} {text}")
        if "event-stream" in answer.getheader("content-type", ""):
            text = [line for line in text.splitlines() if line.startswith("data: {")][-1][6:]
        return answer.getheader("mcp-session-id"), text

    def session(self) -> tuple[dict[str, str], str]:
        """Begin a session; return the headers of its requests, and its instructions."""
        session, answer = self.post(INITIALIZE)
        headers = {"mcp-protocol-version": OLD}
        if session:
            headers["mcp-session-id"] = session
        self.post(INITIALIZED, headers)
        return headers, json.loads(answer)["result"].get("instructions") or ""

    def memory(self) -> int:
        """Return the proportional memory of its processes, in bytes."""
        return sum(map(memory, tree(self.pid)))


@contextmanager
def daemon(at: Home, path: str = "/mcp") -> Iterator[Server]:
    """Run the daemon, from when it has loaded the plugins and is at rest."""
    state = at.directory / ".local/share/skills-daemon/state"
    at.control("start")
    try:
        status: dict[str, Any] = {}
        while not status or any(each["state"] == "loading" for each in status["plugins"]):
            time.sleep(0.1)
            status = json.loads(at.control("status", "--json"))
        own = str(at.directory / ".claude")
        bad = [it for it in status["plugins"] if it["path"].startswith(own) and not it["commands"]]
        if bad:
            sys.exit(f"the daemon did not load {bad}")
        port = json.loads((state / "tcp.json").read_text())["address"].rpartition(":")[2]
        while len(tree(status["pid"])) > 1:
            time.sleep(0.1)
        yield Server(status["pid"], int(port), path)
    finally:
        at.control("stop")


def fastmcp(at: Home, name: str, options: dict[str, Any], *arguments: str) -> list[str]:
    """Return the command of a server of FastMCP."""
    file = at.directory / f"{name}.py"
    file.write_text(SERVERS[name])
    return [sys.executable, str(file), json.dumps(options), *arguments]


@contextmanager
def served(at: Home, name: str, options: dict[str, Any], *arguments: str) -> Iterator[Server]:
    """Run a server of FastMCP over HTTP."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"transport": "http", "port": port, **options}
    process = subprocess.Popen(
        fastmcp(at, name, options, *arguments),
        env=at.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Server(process.pid, port)
    finally:
        process.kill()
        process.wait()


@contextmanager
def all_servers(at: Home) -> Iterator[tuple[Server, Server, Server]]:
    """Run the daemon, FastMCP where it is fastest, and FastMCP as it comes."""
    at.plugin("sums", FUNCTIONS)
    with (
        daemon(at, "/mcp/sums") as ours,
        served(at, "sums", FASTEST) as fast,
        served(at, "sums", {}) as usual,
    ):
        yield ours, fast, usual
