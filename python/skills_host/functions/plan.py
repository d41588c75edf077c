"""How a command is called directly, in the shape of a FastAPI route's plan."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from _skills_host import Binder

from skills_host.functions import value
from skills_host.functions.command import Command
from skills_host.functions.signature import Parameter
from skills_host.functions.value import Invalid


class Handler:
    """What a call of a command runs; it has no dependencies."""

    steps = ()

    def __init__(self, command: Command) -> None:
        self.handler = command.call
        self.is_async = command.is_async

    def call(self, arguments: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        """The coroutine of a coroutine function."""
        return self.handler(**arguments)

    def solve(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments themselves."""
        return arguments


class Plan:
    """How to call one command directly.

    Args:
        command: A command that has no `why`.
    """

    status = 200
    encode = staticmethod(value.to_json)

    def __init__(self, command: Command) -> None:
        self.tree = Handler(command)
        self._parameters = command.signature.parameters
        parts = []
        for parameter in self._parameters:
            kind = _kind(parameter)
            by_python = kind["kind"] in ("text", "texts")
            choices = list((value.choices(parameter.type.bare) or {}).values())
            validate = _validator(parameter) if by_python else None
            parts.append((parameter.name, parameter.default, None, choices, validate))
        self.binder = Binder(parts, self.status, "any")

    def spec(self) -> dict[str, Any]:
        """What the library needs to bind a request."""
        return {
            "begins_on_loop": self.tree.is_async,
            "parameters": [
                {"name": each.name, "in": "query", "required": each.required, **_kind(each)}
                for each in self._parameters
            ],
        }


def _kind(parameter: Parameter) -> dict[str, Any]:
    """What the library is told of the type: a kind it knows, else `text` or `texts`."""
    its = parameter.type
    if its.is_list:
        return {"kind": "texts"}
    if its.needs_pydantic:
        return {"kind": "text"}
    if its.bare in (int, float) and its.bounds.keys() <= {"ge", "gt", "le", "lt"}:
        return {"kind": its.bare.__name__, **its.bounds}
    if its.bare is bool:
        return {"kind": "bool"}
    if its.bare is str and not its.is_constrained:
        return {"kind": "str"}
    if not its.is_constrained and (choices := value.choices(its.bare)):
        return {"kind": "choice", "choices": list(choices)}
    return {"kind": "text"}


def _validator(parameter: Parameter) -> Callable[[Any], tuple[Any, Any]]:
    def validate(text: Any) -> tuple[Any, Any]:
        try:
            return parameter.type.from_text(text), None
        except Invalid as error:
            return None, error

    return validate
