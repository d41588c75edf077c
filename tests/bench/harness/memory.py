"""Memory of the daemon: idle, with plugins, and of the plugins' packages alone."""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path
from typing import Any

from harness import process, report
from harness.daemon import Home, daemon
from harness.process import Memory

_IMPORTS = Path(__file__).parent / "imports.py"


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures, prints the table, and returns the raw numbers."""
    plugins = [path.resolve() for path in arguments.plugins]
    measured: dict[str, Memory] = {}
    measured["daemon, idle, bundled plugins only"] = _idle(home, [])
    measured["`python`, nothing imported"] = _bare(home, ["import"])
    modules: list[str] = []
    if plugins:
        measured["daemon, idle, with the plugins too"] = _idle(home, plugins)
        modules = _modules(home, plugins)
        imports = ["import", *modules]
        measured[f"`python`, their {len(modules)} third-party modules"] = _bare(home, imports)
        loads = ["load", str(_sdk(home)), *map(str, plugins)]
        measured["`python` that loads the plugins, and no server"] = _bare(home, loads)
    rows = [[name, *map(report.megabytes, (m.rss, m.pss))] for name, m in measured.items()]
    print(report.table(["memory", "RSS", "PSS"], rows))
    return {
        "memory": {name: {"rss": m.rss, "pss": m.pss} for name, m in measured.items()},
        "modules": modules,
    }


def _idle(home: Home, plugins: list[Path]) -> Memory:
    """Returns the memory of a daemon after a start without installing or compiling."""
    with daemon(home, plugins):
        pass
    with daemon(home, plugins) as started:
        return _settled(started.pid)


def _settled(pid: int) -> Memory:
    """Returns the memory of a process once it gives back no more."""
    measured = process.memory(pid)
    while True:
        # The daemon gives memory back once it did little for two seconds.
        time.sleep(5)
        again = process.memory(pid)
        if again.pss >= measured.pss - 1e5:
            return again
        measured = again


def _modules(home: Home, plugins: list[Path]) -> list[str]:
    """Every module of the venv that the plugins import, in the order of import."""
    modules: dict[str, None] = {}
    for plugin in plugins:
        done = subprocess.run(
            [home.venv_python, _IMPORTS, "of", _sdk(home), plugin],
            env=home.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        modules |= dict.fromkeys(json.loads(done.stdout.splitlines()[-1]))
    return list(modules)


def _sdk(home: Home) -> Path:
    """Returns the directory of the SDK that plugins import."""
    return next(home.runtime.glob("cache/*/skills_daemon")).parent


def _bare(home: Home, arguments: list[str]) -> Memory:
    """Returns the memory of a Python that runs `imports.py` with `arguments`."""
    bare = subprocess.Popen(
        [home.venv_python, _IMPORTS, *arguments],
        env=home.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert bare.stdout is not None
        while "ready" not in bare.stdout.readline():
            if bare.poll() is not None:
                raise subprocess.CalledProcessError(bare.returncode, bare.args)
        return process.memory(bare.pid)
    finally:
        bare.kill()
        bare.communicate()
