"""Call plans of commands, with the interface of `skills_host.plan.route.Plan`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from _skills_host import Binder
from skills_host.functions.annotation import choices as choices_of
from skills_host.functions.command import Command
from skills_host.functions.signature import Parameter
from skills_host.functions.value import Invalid


class Handler:
    """The function of a command, as a handler without dependencies."""

    def __init__(self, command: Command) -> None:
        self.handler = command.call
        self.is_async = command.is_async


class Plan:
    """Call plan of one command.

    Args:
        command: A command whose `why` is `None`.
    """

    status = 200
    is_plain = True
    is_solved = False
    encodes_anywhere = False
    why: str | None = None

    def __init__(self, command: Command) -> None:
        self.tree = Handler(command)
        self._encode = command.encode
        self._parameters = command.signature.parameters
        self._place, self._kind = ("query", _kind) if command.in_query else ("body", _field)
        parts = []
        for parameter in self._parameters:
            kind = self._kind(parameter)
            choices = list((choices_of(parameter.type.bare) or {}).values())
            validate = _validator(parameter, kind) if kind in ("text", "texts", "json") else None
            parts.append((parameter.name, parameter.default, None, choices, validate))
        self.binder = Binder(parts, self.status, "any")

    def encode(self, result: Any, _call: object) -> Any:
        """Returns any other result as JSON bytes, or as a response object."""
        return self._encode(result)

    def spec(self) -> dict[str, Any]:
        """Returns the plan's description, by which the library binds requests."""
        return {
            "begins_on_loop": self.tree.is_async,
            "parameters": [
                {
                    "name": each.name,
                    "in": self._place,
                    "required": each.required,
                    "kind": self._kind(each),
                }
                for each in self._parameters
            ],
        }


def _kind(parameter: Parameter) -> str | dict[str, Any]:
    """Returns the kind of a query parameter: one the library converts, else `text` or `texts`."""
    its = parameter.type
    if its.is_list:
        return "texts"
    if its.needs_pydantic:
        return "text"
    if its.bare in (int, float) and _are_plain(its.bounds):
        return {its.bare.__name__: its.bounds}
    if its.bare is bool:
        return "bool"
    if its.bare is str and not its.is_constrained:
        return {"str": {}}
    if not its.is_constrained and (choices := choices_of(its.bare)):
        return {"choice": list(choices)}
    return "text"


def _are_plain(bounds: dict[str, Any]) -> bool:
    """Returns true for bounds that the library checks and JSON can hold."""
    return bounds.keys() <= {"ge", "gt", "le", "lt"} and all(
        isinstance(bound, (int, float)) and math.isfinite(bound) for bound in bounds.values()
    )


def _field(parameter: Parameter) -> str | dict[str, Any]:
    """Returns the kind of a body field: `str` or `choice` as in a query, else `json`."""
    kind = _kind(parameter)
    return kind if isinstance(kind, dict) and kind.keys() & {"str", "choice"} else "json"


def _validator(parameter: Parameter, kind: Any) -> Callable[[Any], tuple[Any, Any]]:
    def validate(text: Any) -> tuple[Any, Any]:
        try:
            if kind == "json":
                return parameter.type.from_json(json.loads(text)), None
            return parameter.type.from_text(text), None
        except (Invalid, RecursionError) as error:
            return None, error

    return validate
