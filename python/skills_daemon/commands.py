"""Optional marks and errors for plugins of plain functions.

Without a mark, every public function of the plugin's module, or of its `__all__`, is a command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, overload

_Function = TypeVar("_Function", bound=Callable[..., object])

_MARK = "__skills_command__"


@dataclass(frozen=True)
class Mark:
    """Metadata that `@command` attaches to a function.

    Attributes:
        name: Name of the command; `None` for the function's own.
        method: `GET` for a function without side effects, `POST` for others; `None` to go by the
            function's name.
        sends_file: True if a path that it returns is the file itself.
        agents: False if it is no tool for agents.
    """

    name: str | None = None
    method: str | None = None
    sends_file: bool = False
    agents: bool = True


@overload
def command(function: _Function) -> _Function: ...


@overload
def command(
    *,
    name: str | None = None,
    method: str | None = None,
    sends_file: bool = False,
    agents: bool = True,
) -> Callable[[_Function], _Function]: ...


def command(
    function: _Function | None = None,
    *,
    name: str | None = None,
    method: str | None = None,
    sends_file: bool = False,
    agents: bool = True,
) -> _Function | Callable[[_Function], _Function]:
    """Marks a function as a command; where one is marked, only marked ones are commands.

    Args:
        function: The function; it stays as it is.
        name: Name of the command, if not the function's.
        method: `GET` or `POST`; by default, the function's name decides.
        sends_file: True if a `Path` that it returns stands for the file's content, which is its
            result then.
        agents: False if the command is no tool for agents.

    Raises:
        ValueError: `method` is neither.
    """
    if method not in (None, "GET", "POST"):
        raise ValueError(f"method must be 'GET' or 'POST', not {method!r}")

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, Mark(name, method, sends_file, agents))
        return function

    return mark if function is None else mark(function)


def mark_of(function: object) -> Mark | None:
    """Returns the metadata that `@command` attached to `function`, or None."""
    mark = getattr(function, _MARK, None)
    return mark if isinstance(mark, Mark) else None


class CommandError(Exception):
    """An error for the user of a command: printed as `Error:` and `Hint:`, without a traceback.

    Args:
        message: The error.
        hint: The remedy.
        status: HTTP status of the answer.
        exit_status: Exit status of a call from a shell, 1 to 255; by default 1.

    Raises:
        ValueError: `exit_status` is no such number.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        status: int = 400,
        exit_status: int | None = None,
    ) -> None:
        if exit_status is not None and not 1 <= exit_status <= 255:
            raise ValueError(f"exit_status must be 1 to 255, not {exit_status}")
        super().__init__(message)
        self.hint = hint
        self.status = status
        self.exit_status = exit_status
