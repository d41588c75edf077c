"""Commands that are programs: described here, run by the client."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import skills_host
from skills_host.contract import NamedCommand
from skills_host.functions.command import Command
from skills_host.functions.discover import Found, named
from skills_host.functions.document import document
from skills_host.functions.signature import Unusable
from skills_host.realm import Realm

logger = logging.getLogger("skills_host.functions")

#: Names of the one parameter of a function that reads the words of the command line itself.
_WORDS = ("argv", "args")


def described(
    realm: Realm, plugin: str, programs: dict[str, NamedCommand], path: list[str]
) -> list[dict[str, Any]]:
    """Returns the programs in the shape of the library's `ReportedProgram`.

    A function without parameters, or whose only one is `argv` or `args` and has a default, reads
    `sys.argv`. One that cannot be imported here is taken for such a function: it may need a
    terminal.

    Args:
        realm: The realm that imports them.
        plugin: The plugin's name.
        programs: Their functions, by the command's name.
        path: The plugin's directories in front of `sys.path`.
    """
    own = str(Path(skills_host.__file__).parent.parent)
    reported = []
    for name, spec in programs.items():
        command = _command(realm, name, spec)
        takes_words = not command.signature.parameters
        program = {"reference": spec["call"], "takes_words": takes_words, "path": [own, *path]}
        openapi = document(plugin, "", "", [command])
        reported.append({"program": program, "openapi": openapi})
    return reported


def _command(realm: Realm, name: str, spec: NamedCommand) -> Command:
    post = {**spec, "method": "POST"}
    summary = spec["summary"]
    try:
        found = named(realm, {name: post})[0]  # type: ignore[dict-item]
        if not _reads_words(found.function):
            return Command(found)
        summary = summary or (inspect.getdoc(found.function) or "").partition("\n")[0]
    except Unusable as reason:
        logger.warning("program %s reads its words itself: %s", name, reason)
    except Exception as error:
        logger.warning("program %s cannot be described: %s: %s", name, type(error).__name__, error)
    return Command(Found(name, "POST", lambda: None, summary or None))


def _reads_words(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return all(
        parameter.name in _WORDS and parameter.default is not parameter.empty
        for parameter in parameters
    )
