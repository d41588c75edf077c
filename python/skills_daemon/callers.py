"""Who calls: the surroundings that a program run on the spot would have.

A command runs in the daemon, whose working directory, environment and terminal are not those of
the shell that called. `caller()` returns theirs. Neither the daemon's working directory nor
`os.environ` change.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from skills_daemon._call import current, traceparent_of

if TYPE_CHECKING:
    from skills_daemon._call import Call


@dataclass(frozen=True)
class Terminals:
    """Which standard streams of the caller are terminals.

    Attributes:
        stdin: Standard input.
        stdout: Standard output.
        stderr: Standard error.
    """

    stdin: bool = False
    stdout: bool = False
    stderr: bool = False


@dataclass(frozen=True)
class Caller:
    """The surroundings of a call.

    Attributes:
        is_shell: True for a call from a shell, False for a request over HTTP.
        directory: Its working directory; None over HTTP, and for a directory that is gone.
        terminals: Which of its standard streams are terminals.
        columns: Width of its terminal in columns; 0 without one.
        rows: Height of its terminal in rows; 0 without one.
        colors: True if its standard output takes colour codes: it is a terminal, and `NO_COLOR`,
            `CLICOLOR_FORCE` and `TERM` allow them.
        language: The locale for messages (`de_DE.UTF-8`), from `LC_ALL`, `LC_MESSAGES` or `LANG`;
            over HTTP the first language of `Accept-Language`.
        time_zone: Its `TZ` (`Europe/Berlin`).
        traceparent: The trace that the call belongs to, as W3C Trace Context defines it: the
            innermost span of a call that the daemon traces, else the caller's, from `TRACEPARENT`
            or the header `traceparent`.
        tracestate: What goes with it, from `TRACESTATE` or the header `tracestate`.
        env: Those of its environment variables that `env` in the plugin's `manifest.json` lists.
    """

    is_shell: bool = False
    directory: Path | None = None
    terminals: Terminals = field(default_factory=Terminals)
    columns: int = 0
    rows: int = 0
    colors: bool = False
    language: str | None = None
    time_zone: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    _call: Call | None = field(default=None, repr=False, compare=False)

    @property
    def cancelled(self) -> bool:
        """True once the caller has gone: Ctrl-C, a closed terminal, a limit of time.

        A coroutine is cancelled by itself. A `def` function may look here, and its next output
        raises `KeyboardInterrupt`.
        """
        return self._call is not None and self._call.cancelled


def caller() -> Caller:
    """Returns the surroundings of the call whose code runs.

    It may be called anywhere: in the command itself, and in the tasks and pool threads that it
    starts. Where code runs for no call (at import, in hooks, in background tasks), or goes on after
    it, no value is known. Outside the daemon it is this process that calls.
    """
    call = current.get()
    if call is not None and not call.ended:
        text = call.caller
        return _of_http(call) if text is None else _of_shell(call, json.loads(text))
    return Caller() if "_skills_host" in sys.modules else _of_process()


def _of_shell(call: Call, known: dict[str, Any]) -> Caller:
    directory = known.get("directory")
    return Caller(
        is_shell=True,
        directory=None if directory is None else Path(directory),
        terminals=Terminals(**known["terminals"]),
        columns=known["columns"],
        rows=known["rows"],
        colors=known["colors"]["stdout"],
        language=known.get("language"),
        time_zone=known.get("time_zone"),
        traceparent=traceparent_of(call) or known.get("traceparent"),
        tracestate=call.tracestate if call.traceparent else known.get("tracestate"),
        env=MappingProxyType(known.get("env", {})),
        _call=call,
    )


def _of_http(call: Call) -> Caller:
    languages = call.header("accept-language") or ""
    first = languages.split(",")[0].split(";")[0].strip()
    return Caller(
        language=first if first not in ("", "*") else None,
        traceparent=traceparent_of(call) or call.header("traceparent"),
        tracestate=call.tracestate if call.traceparent else call.header("tracestate"),
        _call=call,
    )


def _of_process() -> Caller:
    def variable(*names: str) -> str | None:
        return next((value for name in names if (value := os.environ.get(name))), None)

    terminals = Terminals(*(_is_terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)))
    has_one = terminals.stdout or terminals.stderr
    columns, rows = shutil.get_terminal_size() if has_one else (0, 0)
    allowed = not variable("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Caller(
        is_shell=True,
        directory=Path.cwd(),
        terminals=terminals,
        columns=columns,
        rows=rows,
        colors=allowed and (terminals.stdout or bool(variable("CLICOLOR_FORCE"))),
        language=variable("LC_ALL", "LC_MESSAGES", "LANG"),
        time_zone=variable("TZ"),
        traceparent=variable("TRACEPARENT"),
        tracestate=variable("TRACESTATE"),
        env=MappingProxyType(dict(os.environ)),
    )


def _is_terminal(stream: Any) -> bool:
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        # There is none, or it is closed.
        return False
