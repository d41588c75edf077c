"""From the start of a process to its list of tools."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from typing import Any

from messages import NEW, OLD, OPENINGS
from programs import FUNCTIONS
from servers import Home, daemon, fastmcp
from table import head, row


def listing(process: subprocess.Popen[str], era: str) -> dict[str, Any]:
    """Speak with a server over stdio until it has said which tools it has."""
    assert process.stdin and process.stdout
    for sent in OPENINGS[era]:
        process.stdin.write(json.dumps(sent) + "\n")
        process.stdin.flush()
        answer: dict[str, Any] = {}
        while "id" in sent and answer.get("id") != sent["id"]:
            answer = json.loads(process.stdout.readline())
    return answer["result"]


def begun(at: Home, command: list[str]) -> subprocess.Popen[str]:
    """Start a server over stdio."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=at.env, text=True, **pipes)


def started(at: Home, command: list[str], era: str) -> float:
    """Return the milliseconds from the start of a process to its list of tools."""
    begin = time.perf_counter()
    with begun(at, command) as process:
        tools = listing(process, era)["tools"]
        took = time.perf_counter() - begin
    assert tools
    return took * 1e3


def row_of_times(label: str, times: list[float]) -> None:
    """Print the middle of some times, and how long nearly all took at most."""
    ordered = sorted(times)
    last = ordered[-(-len(ordered) * 95 // 100) - 1]
    row(label, f"{statistics.median(ordered):.1f}", f"{last:.1f}", f"{ordered[0]:.1f}")


def measure(at: Home, arguments: argparse.Namespace) -> None:
    """Measure how soon a process over stdio has listed its tools."""
    at.plugin("sums", FUNCTIONS)
    with daemon(at):
        ours = [str(at.programs / "skills-client"), "mcp", "sums"]
        theirs = fastmcp(at, "sums", {})
        cases = {
            f"{label}, {shown}": (command, era)
            for era, shown in [(OLD, "handshake"), (NEW, f"without one ({NEW})")]
            for label, command in [("skills-client mcp", ours), ("FastMCP", theirs)]
        }
        times = defaultdict(list)
        for command, era in cases.values():
            started(at, command, era)
        head("stdio: from start to tools/list", "median ms", "95 % below", "least")
        for _ in range(arguments.starts):
            for label, (command, era) in cases.items():
                times[label].append(started(at, command, era))
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-c", ""], env=at.env)
            times["Python, nothing imported, to its end"].append(
                (time.perf_counter() - begin) * 1e3
            )
    for label, each in times.items():
        row_of_times(label, each)
