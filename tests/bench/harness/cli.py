"""The command line."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from harness import (
    attacked,
    bad,
    blocking,
    chance,
    compare,
    edits,
    isolation,
    memory,
    observed,
    plugins,
    reload,
    restart,
    routes,
    scheduling,
    soak,
    websockets,
    wrk,
)
from harness.daemon import BENCH, DaemonError, home
from harness.servers import ServerError
from harness.workloads import WORKLOADS

_REPOSITORY = BENCH.parent.parent
_COMMANDS = {
    "compare": compare,
    "attacked": attacked,
    "bad": bad,
    "isolation": isolation,
    "blocking": blocking,
    "memory": memory,
    "observed": observed,
    "plugins": plugins,
    "reload": reload,
    "restart": restart,
    "routes": routes,
    "scheduling": scheduling,
    "soak": soak,
    "websockets": websockets,
    "chance": chance,
    "edits": edits,
}


def main(documentation: str | None) -> int:
    """Runs the benches that the command line selects."""
    arguments = _parse(documentation, sys.argv[1:])
    # So that `finally` stops the servers.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        # It needs its requests one by one.
        if arguments.command != "chance":
            wrk.check()
        binaries = arguments.binaries or _build()
        with home(binaries.resolve()) as made:
            numbers = _COMMANDS[arguments.command].run(made, arguments)
    except (DaemonError, ServerError, wrk.WrkError, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if arguments.json:
        arguments.json.write_text(json.dumps(numbers, indent=1) + "\n")
    return 1 if numbers.get("violations") else 0


def _parse(documentation: str | None, words: list[str]) -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", type=Path, metavar="FILE", help="write the raw numbers there")
    common.add_argument(
        "--binaries",
        type=Path,
        metavar="DIR",
        help="use these executables instead of building: skills-*, and examples",
    )
    common.add_argument("--quick", action="store_true", help="a short run, for a first look")
    parser = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    added: dict[str, Any] = {
        name: commands.add_parser(name, parents=[common], help=module.__doc__.splitlines()[0])
        for name, module in _COMMANDS.items()
    }
    added["compare"].add_argument(
        "--only",
        action="append",
        choices=[*(workload.name for workload in WORKLOADS), compare.CLI],
        help="this workload; may be repeated",
    )
    added["compare"].add_argument("--rounds", type=int, help="how often each is measured")
    added["compare"].add_argument("--seconds", type=int, help="how long each time")
    added["memory"].add_argument("plugins", nargs="*", type=Path, help="directories of plugins")
    added["soak"].add_argument("--requests", type=int, default=1_000_000)
    added["chance"].add_argument("--minutes", type=float, default=10)
    added["chance"].add_argument("--seed", type=int, help="repeat a run; printed by each")
    added["chance"].add_argument(
        "--no-watch", action="store_true", help="reload after each edit: the daemon does not watch"
    )
    added["edits"].add_argument("--edits", type=int, default=1_000)
    wants_help = words[:1] in (["-h"], ["--help"])
    if not wants_help and (not words or words[0] not in _COMMANDS):
        words = ["compare", *words]
    return parser.parse_args(words)


def _build() -> Path:
    """Builds the executables and the limit; returns where they are."""
    command = ["cargo", "build", "--release", "--locked", "--bins"]
    command += ["--example", "limit", "--example", "sockets"]
    subprocess.run(command, cwd=_REPOSITORY, check=True)
    target = os.environ.get("CARGO_TARGET_DIR", "target")
    return _REPOSITORY / target / "release"


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(143)
