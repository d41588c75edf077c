"""Calls over HTTP: how many in a second, and how long they take."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from messages import ACCEPTING, NEW, OLD, compact, message
from process import cpu
from servers import Home, Server, all_servers
from table import busy, headings, row

#: Sends the requests of a file in turn; they are separated by zeros.
LOAD = r"""
local requests, turn = {}, 0
function init(arguments)
  for each in io.open(arguments[1], "rb"):read("*a"):gmatch("%Z+") do
    requests[#requests + 1] = each
  end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
function done(summary, latency, _)
  local errors = summary.errors
  print(string.format('{"rate": %f, "p50": %f, "p99": %f, "errors": %d}',
    summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""

CONNECTIONS = (1, 16)

#: How many sessions calls over HTTP are of.
SESSIONS = 16


@dataclass
class Case:
    """A way to call a function over HTTP."""

    label: str
    server: Server
    function: str
    path: str
    #: One for each session.
    headers: list[dict[str, str]]
    is_tool: bool = True
    era: str = OLD
    #: For each number of connections, what each round measured.
    rounds: dict[int, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))

    def body(self, number: int) -> dict[str, Any]:
        """Return the body of a request."""
        given = {"a": 6, "b": 7}
        if not self.is_tool:
            return given
        called = {"name": self.function, "arguments": given}
        return message("tools/call", era=self.era, number=number, **called)

    def requests(self) -> bytes:
        """Return requests, separated by zeros; those of a session differ in their number."""
        texts = []
        for number in range(1, 257):
            headers = ACCEPTING | self.headers[number % len(self.headers)]
            body = compact(self.body(number))
            lines = [f"POST {self.path} HTTP/1.1", f"host: 127.0.0.1:{self.server.port}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            texts.append("\r\n".join([*lines, f"content-length: {len(body)}", "", body]))
        return "\0".join(texts).encode()

    def check(self) -> None:
        """Call it once, and look at the result."""
        result = json.loads(self.server.post(self.body(1), self.headers[0], self.path)[1])
        if self.is_tool:
            result = result["result"]["structuredContent"]
        if result != {"result": 13 if self.function == "add" else 42}:
            sys.exit(f"{self.label}: {result}")

    def measure(self, at: Home, connections: int, seconds: float) -> dict[str, float]:
        """Call it for some seconds."""
        (at.directory / "load.lua").write_text(LOAD)
        (at.directory / "requests").write_bytes(self.requests())
        url = f"http://127.0.0.1:{self.server.port}"
        options = ["-t1", f"-c{connections}", f"-d{seconds}s", "-s", "load.lua"]
        used = cpu(self.server.pid)
        output = subprocess.run(
            ["wrk", *options, url, "--", "requests"],
            cwd=at.directory,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        measured = json.loads(output.splitlines()[-1])
        if measured["errors"] or not measured["rate"]:
            sys.exit(f"{self.label}: {output}")
        measured["cpu"] = (cpu(self.server.pid) - used) / (measured["rate"] * seconds) * 1e3
        return measured

    def median(self, connections: int, what: str) -> float:
        """Return the middle of what the rounds measured."""
        return statistics.median(each[what] for each in self.rounds[connections])


def sessions(server: Server) -> list[dict[str, str]]:
    """Return the headers of some sessions."""
    return [server.session()[0] for _ in range(SESSIONS)]


def modern(function: str) -> list[dict[str, str]]:
    """Return the headers of a call as of 2026-07-28."""
    return [{"mcp-protocol-version": NEW, "mcp-method": "tools/call", "mcp-name": function}]


def ways(ours: Server, fast: Server, usual: Server) -> list[Case]:
    """Return the ways to call the functions."""
    cases = []
    open_sessions = {id(server): sessions(server) for server in (ours, usual)}
    for function in ("add", "multiply"):
        new = modern(function)
        cases += [
            Case(f"daemon, {NEW}", ours, function, ours.path, new, era=NEW),
            Case(f"daemon, {OLD}, sessions", ours, function, ours.path, open_sessions[id(ours)]),
            Case(
                "daemon, `POST /tools/NAME`", ours, function, f"/tools/sums_{function}", [{}], False
            ),
            Case(
                "daemon, `POST /PLUGIN/COMMAND`", ours, function, f"/sums/{function}", [{}], False
            ),
            Case(f"FastMCP, stateless, JSON, {NEW}", fast, function, "/mcp", new, era=NEW),
            Case(
                f"FastMCP, stateless, JSON, {OLD}",
                fast,
                function,
                "/mcp",
                [{"mcp-protocol-version": OLD}],
            ),
            Case(f"FastMCP as it comes, {NEW}", usual, function, "/mcp", new, era=NEW),
            Case(
                f"FastMCP as it comes, {OLD}, sessions",
                usual,
                function,
                "/mcp",
                open_sessions[id(usual)],
            ),
        ]
    return cases


def measure(at: Home, arguments: argparse.Namespace) -> None:
    """Measure calls over HTTP."""
    with all_servers(at) as servers:
        cases = ways(*servers)
        for case in cases:
            case.check()
            case.measure(at, 16, 1)
        busy()
        for _ in range(arguments.rounds):
            for case in cases:
                for connections in CONNECTIONS:
                    measured = case.measure(at, connections, arguments.seconds)
                    case.rounds[connections].append(measured)
    for number in CONNECTIONS:
        columns = ["calls/s", "least", "most", "times FastMCP's best", "p50 ms", "p99 ms", "CPU ms"]
        print()
        headings(f"HTTP, connections: {number}", "function", *columns)
        for case in cases:
            best = max(
                each.median(number, "rate")
                for each in cases
                if each.label.startswith("FastMCP") and each.function == case.function
            )
            rate = case.median(number, "rate")
            rates = sorted(each["rate"] for each in case.rounds[number])
            row(
                case.label,
                "def" if case.function == "add" else "async def",
                *(f"{each:,.0f}" for each in (rate, rates[0], rates[-1])),
                f"{rate / best:.1f}",
                *(f"{case.median(number, what):.2f}" for what in ("p50", "p99", "cpu")),
            )
