"""The parameters of a function, from its signature and docstring."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import docstring_parser

from skills_host.functions.value import Type

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Unusable(Exception):
    """A function cannot be a command; the message says why."""


class Parameter:
    """One parameter.

    Attributes:
        name: Its name.
        type: Its type.
        required: True if it has no default.
        default: The default.
        help: Its help; may be empty.
    """

    def __init__(self, parameter: inspect.Parameter, annotation: Any, text: str) -> None:
        self.name = parameter.name
        self.type = Type(annotation)
        self.required = parameter.default is parameter.empty
        self.default = None if self.required else parameter.default
        self.help = self.type.help or text


class Signature:
    """What a function takes, gives and says of itself.

    Args:
        function: The function.

    Attributes:
        parameters: Those that a command can set: all but `*args` and `**kwargs`.
        result: The type of the result.
        summary: The docstring's first line.
        text: The docstring without the parts on parameters and results.

    Raises:
        Unusable: It has no signature, or an annotation that nobody can convert to.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError) as error:
            raise Unusable(f"it tells no signature: {error}") from None
        try:
            hints = get_type_hints(function, include_extras=True)
        except Exception as error:
            raise Unusable(f"its annotations cannot be read: {error}") from None
        doc = docstring_parser.parse(inspect.getdoc(function) or "")
        texts = {each.arg_name.lstrip("*"): each.description or "" for each in doc.params}
        self.parameters = []
        for parameter in signature.parameters.values():
            if parameter.kind in _NAMED:
                annotation = hints.get(parameter.name, Any)
                text = " ".join(texts.get(parameter.name, "").split())
                self.parameters.append(_parameter(parameter, annotation, text))
            elif (
                parameter.kind is parameter.POSITIONAL_ONLY and parameter.default is parameter.empty
            ):
                raise Unusable(f"parameter {parameter.name} is positional only")
        self.result = hints.get("return", Any)
        self.summary = doc.short_description or ""
        long = [doc.long_description] if doc.long_description else []
        examples = [each.description or "" for each in doc.examples]
        lines = [line.strip() for each in examples for line in each.splitlines() if line.strip()]
        if lines:
            long.append("Examples:\n" + "\n".join(f"    {line}" for line in lines))
        self.text = "\n\n".join([self.summary, *long])


def _parameter(parameter: inspect.Parameter, annotation: Any, text: str) -> Parameter:
    try:
        made = Parameter(parameter, annotation, text)
        made.type.schema()
    except Exception as error:
        raise Unusable(f"parameter {parameter.name}: {error}") from None
    return made
