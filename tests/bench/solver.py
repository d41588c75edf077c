#!/usr/bin/env python3
"""Random sets of requirements: the daemon's resolver comes to the verdict of ``uv pip compile``.

    tests/bench/solver.py [--sets 300] [--seed 1] [--python PYTHON]

Builds ``cargo bench --bench solver`` and asks both for each set, over the index that ``uv`` uses,
with one cache. Prints the counts, each disagreement, and a few of the explanations; exits with 1 if
there is a disagreement.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Builds and runs the resolver alone.
BENCH = ["cargo", "bench", "--quiet", "--bench", "solver", "--"]

#: Packages that depend on each other, and versions at which something changed.
PACKAGES = {
    "aiohttp": ["3.8", "3.9", "3.10.5", "3.11"],
    "alembic": ["1.8", "1.12", "1.13"],
    "anyio": ["3.4", "3.7", "4.0", "4.5", "4.8"],
    "attrs": ["21.4", "22.2", "23.1", "24.2"],
    "boto3": ["1.26", "1.28", "1.34", "1.35"],
    "botocore": ["1.29", "1.31", "1.34", "1.35"],
    "cachetools": ["4.2", "5.0", "5.3"],
    "certifi": ["2022.12.7", "2023.7.22", "2024.2.2"],
    "cffi": ["1.15", "1.16", "1.17"],
    "charset-normalizer": ["2.0", "3.0", "3.3"],
    "click": ["7.1", "8.0", "8.1", "8.1.7"],
    "cryptography": ["39", "41", "42", "43"],
    "fastapi": ["0.95", "0.100", "0.109", "0.115"],
    "flask": ["1.1", "2.0", "2.3", "3.0"],
    "google-auth": ["2.15", "2.22", "2.30"],
    "h11": ["0.12", "0.13", "0.14"],
    "httpcore": ["0.15", "0.17", "0.18", "1.0"],
    "httpx": ["0.22", "0.23", "0.25", "0.27", "0.28"],
    "idna": ["2.10", "3.3", "3.7"],
    "itsdangerous": ["1.1", "2.0", "2.1"],
    "jinja2": ["2.11", "3.0", "3.1"],
    "jsonschema": ["4.0", "4.17", "4.20"],
    "markupsafe": ["1.1", "2.0", "2.1", "3.0"],
    "multidict": ["5.0", "6.0", "6.1"],
    "numpy": ["1.23", "1.26", "2.0", "2.1"],
    "packaging": ["21", "23", "24"],
    "pandas": ["1.5", "2.0", "2.2"],
    "pydantic": ["1.10", "2.0", "2.6", "2.9"],
    "pydantic-core": ["2.14", "2.20", "2.23"],
    "python-dateutil": ["2.8", "2.8.2", "2.9"],
    "pyyaml": ["5.4", "6.0", "6.0.1"],
    "requests": ["2.25", "2.28", "2.31", "2.32"],
    "rich": ["10.11", "12.0", "13.0", "13.7"],
    "sqlalchemy": ["1.4", "2.0", "2.0.30"],
    "starlette": ["0.27", "0.36", "0.40", "0.41"],
    "typer": ["0.4", "0.9", "0.12"],
    "urllib3": ["1.26", "1.26.18", "2.0", "2.2"],
    "uvicorn": ["0.17", "0.22", "0.30"],
    "werkzeug": ["1.0", "2.0", "2.3", "3.0"],
    "yarl": ["1.7", "1.9", "1.12"],
}


def requirement(chance: random.Random) -> str:
    """Return a requirement by chance."""
    package = chance.choice(sorted(PACKAGES))
    version = chance.choice(PACKAGES[package])
    operator = chance.choice([">=", ">=", "<", "<", "~=", "==.*", "!=.*", ""])
    match operator:
        case "":
            return package
        case "~=":
            return f"{package}~={version if '.' in version else version + '.0'}"
        case "==.*" | "!=.*":
            return f"{package}{operator[:2]}{version}.*"
        case _:
            return f"{package}{operator}{version}"


def compiled(uv: str, python: str, requirements: list[str]) -> tuple[str, str]:
    """Return the verdict of ``uv pip compile``, and the end of what it said."""
    command = [uv, "pip", "compile", "-", "--python", python, "--no-header", "--quiet"]
    done = subprocess.run(
        command,
        input="\n".join(requirements),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode == 0:
        return "solvable", ""
    unsolvable = "No solution found" in done.stderr
    return ("unsolvable" if unsolvable else "failed"), done.stderr.strip()[-2000:]


def explained(command: list[str], sets: list[list[str]]) -> list[dict[str, object]]:
    """Return the answers of the daemon's resolver."""
    lines = "".join(json.dumps(one) + "\n" for one in sets)
    done = subprocess.run(
        command, cwd=ROOT, input=lines, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def agree(ours: dict[str, object], theirs: str) -> bool:
    """Tell whether the two verdicts are the same."""
    if theirs == "failed":
        return ours["verdict"] in ("impossible", "failed")
    return (ours["verdict"] == "solvable") == (theirs == "solvable")


def main() -> int:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--uv", default="uv")
    parser.add_argument("--binary", help="the built bench, in place of building it")
    arguments = parser.parse_args()

    chance = random.Random(arguments.seed)
    sets = [
        [requirement(chance) for _ in range(chance.randint(3, 12))] for _ in range(arguments.sets)
    ]
    with tempfile.TemporaryDirectory() as home:
        cache = os.environ.setdefault("UV_CACHE_DIR", f"{home}/cache")
        with ThreadPoolExecutor(4) as pool:
            theirs = list(pool.map(lambda one: compiled(arguments.uv, arguments.python, one), sets))
            own = [arguments.binary] if arguments.binary else BENCH
            command = [*own, "verdicts", arguments.python, cache]
            started = time.monotonic()
            parts = pool.map(lambda part: explained(command, part), [sets[i::4] for i in range(4)])
            ours = [answer for part in zip_longest(*parts) for answer in part if answer]
            seconds = time.monotonic() - started

    counts = Counter(
        (str(our["verdict"]), their[0]) for our, their in zip(ours, theirs, strict=True)
    )
    for (our, their), count in sorted(counts.items()):
        print(f"{count:4} sets: {our} here, {their} for uv")
    print(f"{seconds:.1f} s for {len(sets)} sets")
    different = 0
    for one, our, (their, said) in zip(sets, ours, theirs, strict=True):
        if not agree(our, their):
            different += 1
            print(f"\n{one}\n  here: {our['verdict']} {our['text']}\n  uv: {their}\n{said}")
    print("\nSome explanations:")
    for our in [our for our in ours if our["text"]][:12]:
        print(f"  {our['text']}")
    print(f"\n{different} disagreements")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
