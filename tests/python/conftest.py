"""Fixtures for all tests of the SDK and of the host's Python half."""

import asyncio
import os
import pty
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import TextIO

import host
import httpx
import pytest

from skills_daemon import colors

# The module exists in the daemon's process alone, where its Binder is tested. Here it keeps its
# arguments.
sys.modules["_skills_host"] = ModuleType("_skills_host")
sys.modules["_skills_host"].Binder = lambda *parts: parts
sys.modules["_skills_host"].Dispatcher = host.Dispatcher
sys.modules["_skills_host"].Starter = host.Starter
sys.modules["_skills_host"].to_json = lambda value: None
sys.modules["_skills_host"].slot = lambda: 0
sys.modules["_skills_host"].carry = lambda slot: None
sys.modules["_skills_host"].trim = lambda: None


@pytest.fixture
def ask() -> Callable[..., httpx.Response]:
    """Sends one request to an ASGI application: `ask(app, method, url, **options of httpx)`."""

    def send(app, method: str, url: str, **options) -> httpx.Response:
        async def sent() -> httpx.Response:
            # Applications raise what they answer with 500, so that servers can log it.
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, url, **options)

        return asyncio.run(sent())

    return send


@pytest.fixture
def clean_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without our variables and with an empty home directory."""
    for name in list(os.environ):
        if name.startswith("SKILLS_DAEMON_") or name in (
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "NO_COLOR",
        ):
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
