"""Fixtures for all tests of the SDK."""

import os
import pty
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import TextIO

import pytest

from skills_daemon import colors


@pytest.fixture
def clean_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without our variables and with an empty home directory."""
    for name in list(os.environ):
        if name.startswith("SKILLS_DAEMON_") or name in ("XDG_DATA_HOME", "NO_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


@pytest.fixture
def no_terminal(clean_env: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Standard output is no terminal, whether or not pytest captures it."""
    clean_env.setattr(sys, "stdout", StringIO())
    return clean_env


@pytest.fixture
def terminal(clean_env: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """A pseudo-terminal; pytest's capturing asks for `redirect_stdout` in the test itself."""
    leader, follower = pty.openpty()
    with os.fdopen(follower, "w") as stream:
        yield stream
    os.close(leader)


@pytest.fixture
def force_colors() -> Iterator[Callable[..., None]]:
    """Gives `force_colors`, and takes its effect back after the test."""
    yield colors.force_colors
    colors.force_colors(False)
