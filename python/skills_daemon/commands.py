"""For plugins of plain functions: say which are commands, and refuse with a reason.

Nothing of this is needed: without it every public function of the plugin's module is a command.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, overload

_Function = TypeVar("_Function", bound=Callable[..., object])

_MARK = "__skills_command__"


@dataclass(frozen=True)
class Mark:
    """What `@command` says of a function.

    Attributes:
        name: Name of the command; `None` for the function's own.
        method: `GET` for a function without side effects, `POST` for others; `None` to go by the
            function's name.
    """

    name: str | None = None
    method: str | None = None


@overload
def command(function: _Function) -> _Function: ...


@overload
def command(
    *, name: str | None = None, method: str | None = None
) -> Callable[[_Function], _Function]: ...


def command(
    function: _Function | None = None, *, name: str | None = None, method: str | None = None
) -> _Function | Callable[[_Function], _Function]:
    """Marks a function as a command; where one is marked, only marked ones are commands.

    Args:
        function: The function; it stays as it is.
        name: Name of the command, if not the function's.
        method: `GET` or `POST`, if the function's name does not tell.

    Raises:
        ValueError: `method` is neither.
    """
    if method not in (None, "GET", "POST"):
        raise ValueError(f"method must be 'GET' or 'POST', not {method!r}")

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, Mark(name, method))
        return function

    return mark if function is None else mark(function)


def mark_of(function: object) -> Mark | None:
    """What `@command` said of `function`."""
    mark = getattr(function, _MARK, None)
    return mark if isinstance(mark, Mark) else None


class CommandError(Exception):
    """A refusal in words for the user: printed as `Error:` and `Hint:`, without a traceback.

    Args:
        message: What happened.
        hint: What to do about it.
        status: HTTP status of the answer.
    """

    def __init__(self, message: str, *, hint: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.hint = hint
        self.status = status
