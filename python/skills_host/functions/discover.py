"""Which functions of a module are commands."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skills_daemon.commands import Mark, mark_of
from skills_host.contract import NamedCommand
from skills_host.realm import Realm

#: A function whose name begins with one of these words has no side effects: it is asked with GET.
READING = (
    "check",
    "count",
    "describe",
    "find",
    "get",
    "has",
    "is",
    "list",
    "lookup",
    "query",
    "read",
    "search",
    "show",
    "view",
)
#: The plugin's hooks are no commands.
HOOKS = ("startup", "connect", "reconnect", "shutdown", "health_check")


@dataclass(frozen=True)
class Found:
    """A command.

    Attributes:
        name: Its name: `add-user`.
        method: `GET` or `POST`.
        function: What it calls.
        summary: One line instead of the docstring's first.
    """

    name: str
    method: str
    function: Callable[..., Any]
    summary: str | None = None


def commands(module: types.ModuleType) -> list[Found]:
    """The commands of a module, in order of declaration.

    Those that `@command` marks; if none, those in `__all__`; without it, the public functions that
    the module itself defines.
    """
    functions = {name: value for name, value in vars(module).items() if inspect.isroutine(value)}
    marked = {name: function for name, function in functions.items() if mark_of(function)}
    names = getattr(module, "__all__", None)
    if marked:
        chosen = marked
    elif names is not None:
        chosen = {name: functions[name] for name in names if name in functions}
        chosen = {name: function for name, function in chosen.items() if name not in HOOKS}
    else:
        chosen = {
            name: function
            for name, function in functions.items()
            # What `functools.cache` makes is no function, but wraps one.
            if (inspect.isfunction(function) or hasattr(function, "__wrapped__"))
            and function.__module__ == module.__name__
            and not name.startswith("_")
            and name not in HOOKS
        }
    # Of several names for one function the first counts.
    names = {id(function): name for name, function in reversed(chosen.items())}
    return [_found(name, chosen[name]) for name in chosen if names[id(chosen[name])] == name]


def named(realm: Realm, functions: dict[str, NamedCommand]) -> list[Found]:
    """The commands that a manifest names.

    Args:
        realm: Where they are imported.
        functions: `call`, `summary` and `method` by the command's name.

    Raises:
        ImportError: A module or a function is not there.
    """
    found = []
    for name, spec in functions.items():
        module_name, _, path = spec["call"].partition(":")
        function: Any = realm.import_module(module_name)
        for attribute in path.split("."):
            if not hasattr(function, attribute):
                raise ImportError(f"commands.{name}: {module_name} has no {path}")
            function = getattr(function, attribute)
        if not callable(function):
            raise ImportError(f"commands.{name}: {spec['call']} is no function")
        method = spec["method"] or ("GET" if _reads(path.rpartition(".")[2]) else "POST")
        found.append(Found(name, method, function, spec["summary"]))
    return found


def _reads(name: str) -> bool:
    return name.split("_", 1)[0] in READING


def _found(name: str, function: Callable[..., Any]) -> Found:
    # By its name in the module: that of a lambda, or of a decorator's wrapper, says nothing.
    mark = mark_of(function) or Mark()
    method = mark.method or ("GET" if _reads(name) else "POST")
    return Found(mark.name or name.strip("_").replace("_", "-"), method, function)
