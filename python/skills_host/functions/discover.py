"""Finds the functions that are commands."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skills_daemon.agents import Offer, offer_of
from skills_daemon.commands import Mark, mark_of
from skills_host.contract import NamedCommand
from skills_host.realm import Realm

#: First words of the names of functions without side effects, which are called with GET.
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
#: Names of hooks, which are no commands.
HOOKS = ("startup", "connect", "reconnect", "shutdown", "health_check")


@dataclass(frozen=True)
class Found:
    """A command.

    Attributes:
        name: Its name: `add-user`.
        method: `GET` or `POST`.
        function: The function.
        summary: Replaces the docstring's first line.
        sends_file: True if a path that it returns is the file itself.
        agents: False if it is no tool for agents.
        offer: What it is for agents if it is no command.
    """

    name: str
    method: str
    function: Callable[..., Any]
    summary: str | None = None
    sends_file: bool = False
    agents: bool = True
    offer: Offer | None = None


def commands(module: types.ModuleType) -> list[Found]:
    """Returns the commands of a module, in order of declaration.

    These are the functions that `@command` marks; if none, those in `__all__`; without it, the
    public functions that the module itself defines.
    """
    functions = {
        name: value
        for name, value in vars(module).items()
        if inspect.isroutine(value) and offer_of(value) is None
    }
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
            # `functools.cache` returns an object that wraps a function.
            if (inspect.isfunction(function) or hasattr(function, "__wrapped__"))
            and function.__module__ == module.__name__
            and not name.startswith("_")
            and name not in HOOKS
        }
    # Of several names for one function the first counts.
    names = {id(function): name for name, function in reversed(chosen.items())}
    return [_found(name, chosen[name]) for name in chosen if names[id(chosen[name])] == name]


def offered(module: types.ModuleType) -> list[Found]:
    """Returns the resources and prompts of a module, in order of declaration."""
    marked = {
        id(value): (name, value, offer)
        for name, value in reversed(vars(module).items())
        if inspect.isroutine(value) and (offer := offer_of(value)) is not None
    }
    return [
        Found((offer.name or name).replace("_", "-"), "GET", value, offer=offer)
        for name, value, offer in reversed(marked.values())
    ]


def named(realm: Realm, functions: dict[str, NamedCommand]) -> list[Found]:
    """Returns the commands that a manifest names.

    Args:
        realm: The realm that imports them.
        functions: `call`, `summary` and `method` by the command's name.

    Raises:
        ImportError: A module or function does not exist.
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
        agents = spec.get("agents", True)
        found.append(Found(name, method, function, spec["summary"], agents=agents))
    return found


def _reads(name: str) -> bool:
    return name.split("_", 1)[0] in READING


def _found(name: str, function: Callable[..., Any]) -> Found:
    # The name in the module, because `__name__` of a lambda or wrapper is `<lambda>` or `wrapper`.
    mark = mark_of(function) or Mark()
    method = mark.method or ("GET" if _reads(name) else "POST")
    own_name = mark.name or name.strip("_").replace("_", "-")
    return Found(own_name, method, function, sends_file=mark.sends_file, agents=mark.agents)
