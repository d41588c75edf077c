"""The SDK that skill plugins import: interface, output formats, configuration, log.

It needs neither the daemon nor FastAPI to be imported, so a plugin can be tested on its own.
Importing it reads environment variables and `config.toml` and does nothing else: nothing is
written, no thread started, no log handler installed.

| module | contents |
| --- | --- |
| `plugins` | `SkillPlugin`, the class to derive from, and `registry` |
| `formatters` | text for people, language models, documents and programs |
| `colors` | terminal colours, switched on by the daemon |
| `logging` | `logger`, whose records carry key-value context, and the request id |
| `config` | `config`, the daemon's settings and the paths it uses |
| `bars` | `progress`, a bar at the caller's terminal |
| `processes` | `run`, which runs a program that ends with the call |
| `questions` | `ask`, `confirm`, `choose`, `secret`, `form`, of the person who called |
| `agents` | `resource`, `prompt`, and results for agents: `Image`, `Audio`, … |
| `callers` | `caller`, which describes the shell or request that calls |
| `tracing` | `span`, a part of a command in its trace |
| `tasks` | `background`, which starts a supervised task |
| `own` | `data_dir`, `settings` and `stored_secret`, the plugin's own |
| `lifecycle` | pid file, stopping the daemon, idle time, shutdown callbacks |
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skills_daemon.config import DaemonConfig, config

if TYPE_CHECKING:
    from skills_daemon.agents import Audio, Embedded, Image, Link, Message, prompt, resource
    from skills_daemon.bars import Progress, progress
    from skills_daemon.callers import Caller, caller
    from skills_daemon.own import Secret, data_dir, settings, stored_secret
    from skills_daemon.processes import run
    from skills_daemon.questions import (
        Form,
        Roots,
        Sample,
        ask,
        choose,
        confirm,
        form,
        roots,
        sample,
        secret,
        together,
    )
    from skills_daemon.tasks import Background, background
    from skills_daemon.tracing import Span, span

__version__ = "2.0.0"

DEFAULT_HOST: str = config.host
"""Address that the daemon listens on."""

DEFAULT_PORT: int = config.port
"""TCP port that the daemon listens on."""

#: Where each other name is. A module is imported with the first use of a name of it: the daemon, in
#: whose process this package is, needs few of them before a plugin is loaded.
_MODULES = {
    "agents": ("Audio", "Embedded", "Image", "Link", "Message", "prompt", "resource"),
    "bars": ("Progress", "progress"),
    "callers": ("Caller", "caller"),
    "own": ("Secret", "data_dir", "settings", "stored_secret"),
    "processes": ("run",),
    "questions": (
        "Form",
        "Roots",
        "Sample",
        "ask",
        "choose",
        "confirm",
        "form",
        "roots",
        "sample",
        "secret",
        "together",
    ),
    "tasks": ("Background", "background"),
    "tracing": ("Span", "span"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Imports what a name stands for."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"skills_daemon.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Returns all public names."""
    return sorted({*globals(), *__all__})


__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "Audio",
    "Background",
    "Caller",
    "DaemonConfig",
    "Embedded",
    "Form",
    "Image",
    "Link",
    "Message",
    "Progress",
    "Roots",
    "Sample",
    "Secret",
    "Span",
    "__version__",
    "ask",
    "background",
    "caller",
    "choose",
    "config",
    "confirm",
    "data_dir",
    "form",
    "progress",
    "prompt",
    "resource",
    "roots",
    "run",
    "sample",
    "secret",
    "settings",
    "span",
    "stored_secret",
    "together",
]
