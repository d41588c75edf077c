"""The memory of the servers, and of each further session over stdio."""

from __future__ import annotations

import argparse
import time
from contextlib import ExitStack

from load import ways
from messages import OLD
from process import memory
from servers import Home, all_servers, fastmcp
from stdio import begun, listing
from table import head, megabytes, row

#: How many sessions over stdio are open where their memory is measured.
OPEN = 20


def measure(at: Home, arguments: argparse.Namespace) -> None:
    """Measure the memory of the servers, and of further sessions over stdio."""
    with all_servers(at) as servers:
        labels = ["daemon, one process", "FastMCP, stateless, JSON", "FastMCP as it comes"]
        idle = [server.memory() for server in servers]
        for case in ways(*servers):
            if case.is_tool:
                case.measure(at, 16, arguments.seconds)
        # Memory that is given back with a delay is not counted.
        time.sleep(2)
        head("PSS in MB", "idle", "after calls")
        for label, server, before in zip(labels, servers, idle, strict=True):
            row(label, megabytes(before), megabytes(server.memory()))
        commands = {
            "skills-client mcp": [str(at.programs / "skills-client"), "mcp", "sums"],
            "FastMCP": fastmcp(at, "sums", {}),
        }
        head(f"PSS in MB of a session over stdio, of {OPEN}", "its process", "of the daemon")
        for label, command in commands.items():
            before = servers[0].memory()
            with ExitStack() as stack:
                processes = [stack.enter_context(begun(at, command)) for _ in range(OPEN)]
                for process in processes:
                    listing(process, OLD)
                own = sum(memory(process.pid) for process in processes) / OPEN
                grown = (servers[0].memory() - before) / OPEN
                for process in processes:
                    process.stdin.close()
            row(label, megabytes(own), f"{grown / 1e6:.2f}" if command[1] == "mcp" else "-")
