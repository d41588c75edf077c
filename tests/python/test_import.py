"""Importing the SDK is cheap, leaves no trace, and survives a broken environment."""

import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import skills_daemon

SOURCES = Path(skills_daemon.__file__).parents[1]
MODULES = [
    module.name for module in pkgutil.walk_packages(skills_daemon.__path__, "skills_daemon.")
]

OBSERVE = """
import importlib, json, logging, sys, threading
importlib.import_module(sys.argv[1])
loggers = [logging.getLogger(), *(logging.getLogger(n) for n in logging.root.manager.loggerDict)]
print(json.dumps({
    "modules": sorted({name.split(".")[0] for name in sys.modules}),
    "threads": threading.active_count(),
    "handlers": sum(len(getattr(logger, "handlers", [])) for logger in loggers),
    "signals": [__import__("signal").getsignal(15) == 0],
}))
"""


def run_python(home: Path, code: str, *args: str, **env: str) -> subprocess.CompletedProcess:
    """Runs code in a fresh interpreter with an empty home and only our package on its path."""
    return subprocess.run(
        [sys.executable, "-B", "-c", code, *args],
        cwd=home,
        env={"HOME": str(home), "PATH": os.defpath, "PYTHONPATH": str(SOURCES), **env},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_all_modules_are_looked_at():
    assert {"skills_daemon.config", "skills_daemon.lifecycle", "skills_daemon.formatters.ai"} <= (
        set(MODULES)
    )


@pytest.mark.parametrize("module", ["skills_daemon", *MODULES])
def test_importing_a_module_leaves_no_trace(module, tmp_path):
    result = run_python(tmp_path, OBSERVE, module)
    assert result.returncode == 0, result.stderr
    seen = json.loads(result.stdout)
    assert {"fastapi", "starlette", "pydantic", "rich", "uvicorn"}.isdisjoint(seen["modules"])
    assert seen["threads"] == 1
    assert seen["handlers"] == 0
    assert seen["signals"] == [True]
    assert result.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_read_at_import(tmp_path):
    code = (
        "import skills_daemon as s;"
        "print(s.config.port, s.DEFAULT_PORT, s.DEFAULT_HOST, s.config == s.DaemonConfig())"
    )
    result = run_python(tmp_path, code, SKILLS_DAEMON_PORT="9200", SKILLS_DAEMON_HOST="localhost")
    assert result.stdout == "9200 9200 localhost True\n"


def test_a_broken_environment_is_reported_once_and_does_not_stop_the_import(tmp_path):
    code = "import skills_daemon; print(skills_daemon.config.port)"
    result = run_python(tmp_path, code, SKILLS_DAEMON_PORT="http")
    assert (result.returncode, result.stdout) == (0, "9100\n")
    assert result.stderr == (
        "SKILLS_DAEMON_PORT is 'http', not a number from 0 to 65535; using the default 9100\n"
    )


def test_a_version_and_a_type_marker_are_there():
    assert skills_daemon.__version__ == "2.0.0"
    assert (Path(skills_daemon.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("module", ["skills_daemon", "skills_daemon.formatters"])
def test_everything_that_is_announced_exists(module):
    namespace = sys.modules.get(module) or __import__(module, fromlist=["x"])
    assert [name for name in namespace.__all__ if not hasattr(namespace, name)] == []
