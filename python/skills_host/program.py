"""Runs a command that is a program, in a process of its own: no daemon is part of it.

The client becomes the venv's Python and executes `main`, with the caller's terminal, directory and
environment.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any


def main(program: dict[str, Any]) -> None:
    """Runs a program and exits with its result, as a console script does.

    Args:
        program: `name`, `reference` (`package.module:function`), and either `words`, for
            `sys.argv`, or `values`, the arguments by name.
    """
    module, _, path = program["reference"].partition(":")
    function: Any = importlib.import_module(module)
    for attribute in path.split("."):
        function = getattr(function, attribute)
    sys.argv = [program["name"], *program["words"]]
    arguments = {} if program["values"] is None else _bound(function, program)
    result = function(**arguments)
    sys.exit(asyncio.run(result) if inspect.iscoroutine(result) else result)


def _bound(function: Callable[..., Any], program: dict[str, Any]) -> dict[str, Any]:
    """Returns the arguments of the function; exits if they do not fit it."""
    from skills_host.functions.command import Command, Refused
    from skills_host.functions.discover import Found

    try:
        return Command(Found(program["name"], "POST", function)).from_body(program["values"])
    except Refused as refused:
        for problem in refused.problems:
            *_, name = map(str, problem["loc"])
            print(f"Error: --{name.replace('_', '-')}: {problem['msg']}", file=sys.stderr)
        sys.exit(2)
