"""FastMCP beside the daemon: the same functions as tools, served by both and measured in turn.

    python3 -m venv VENV && VENV/bin/pip install fastmcp uvloop httptools
    npm install --prefix NODE gpt-tokenizer
    NODE_PATH=NODE/node_modules VENV/bin/python tests/bench/agents/compare DIRECTORY [PART ...]

DIRECTORY has ``skills-daemon``, ``skills-client`` and ``skills-host`` of a release build. The parts
are ``stdio`` (from the start of a process to its list of tools), ``http`` (calls per second and
latency), ``memory`` (of the servers, and of each further session over stdio) and ``corpus`` (what
the 1,000 commands of ``corpus.json`` cost a session); without any, all of them run, in about ten
minutes. Each has a daemon in a HOME of its own and FastMCP's servers in the environment of this
program, which is why uvloop and httptools belong there.

Needs Linux, ``uv`` on the PATH, for ``http`` and ``memory`` also ``wrk``, and for tokens (encoding
o200k) Node.js with ``gpt-tokenizer``. What else runs on the machine shows in the numbers: above
each table is how busy the processors were before it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import corpus
import load
import memory
import stdio
from servers import Home, home


def main() -> None:
    """Run the parts."""
    parts: dict[str, Callable[[Home, argparse.Namespace], None]] = {
        "stdio": stdio.measure,
        "http": load.measure,
        "memory": memory.measure,
        "corpus": corpus.measure,
    }
    parser = argparse.ArgumentParser("compare", description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path, help="of the daemon's programs")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--starts", type=int, default=30, help="starts of each process")
    parser.add_argument("--rounds", type=int, default=5, help="of calls over HTTP")
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    arguments = parser.parse_args()
    needed = ["uv"] + ["wrk"] * (not {"http", "memory"}.isdisjoint(arguments.parts or parts))
    if missing := [name for name in needed if shutil.which(name) is None]:
        parser.error(f"there is no {' and no '.join(missing)}")
    if unknown := set(arguments.parts) - set(parts):
        parser.error(f"there is no part {', '.join(unknown)}")
    names = ["fastmcp", "mcp", "uvicorn", "uvloop", "httptools"]
    found = [f"{name} {installed(name)}" for name in names]
    print(f"{', '.join(found)}; Python {sys.version.split()[0]}; {os.cpu_count()} processors")
    for part in arguments.parts or parts:
        with home(arguments.directory.resolve()) as at:
            parts[part](at, arguments)


def installed(package: str) -> str:
    """Return the version of a package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"


if __name__ == "__main__":
    main()
