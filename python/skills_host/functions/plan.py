"""How a command is called directly, in the shape of a FastAPI route's plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from _skills_host import Binder
from skills_host.functions import value
from skills_host.functions.annotation import choices as choices_of
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
        work: Coroutine[Any, Any, Any] = self.handler(**arguments)
        return work

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
        self._place, self._kind = ("query", _kind) if command.method == "GET" else ("body", _field)
        parts = []
        for parameter in self._parameters:
            kind = self._kind(parameter)["kind"]
            choices = list((choices_of(parameter.type.bare) or {}).values())
            validate = _validator(parameter, kind) if kind in ("text", "texts", "json") else None
            parts.append((parameter.name, parameter.default, None, choices, validate))
        self.binder = Binder(parts, self.status, "any")

    def spec(self) -> dict[str, Any]:
        """What the library needs to bind a request."""
        return {
            "begins_on_loop": self.tree.is_async,
            "parameters": [
                {
                    "name": each.name,
                    "in": self._place,
                    "required": each.required,
                    **self._kind(each),
                }
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
    if not its.is_constrained and (choices := choices_of(its.bare)):
        return {"kind": "choice", "choices": list(choices)}
    return {"kind": "text"}


def _field(parameter: Parameter) -> dict[str, Any]:
    """The same for a field of the body, where only texts are what they are."""
    told = _kind(parameter)
    return told if told["kind"] in ("str", "choice") else {"kind": "json"}


def _validator(parameter: Parameter, kind: str) -> Callable[[Any], tuple[Any, Any]]:
    def validate(text: Any) -> tuple[Any, Any]:
        try:
            if kind == "json":
                return parameter.type.from_json(json.loads(text)), None
            return parameter.type.from_text(text), None
        except Invalid as error:
            return None, error

    return validate
