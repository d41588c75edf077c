"""The parameters of a function, from its signature and docstring."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, get_type_hints

import docstring_parser

from skills_host.functions.value import Type

logger = logging.getLogger("skills_host.functions")

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_TELLING = (bool, int, float, str)


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
        summary: One line instead of the docstring's first.

    Attributes:
        parameters: Those that a command can set; others are left out, if they have defaults.
        positional: Those that can only be passed by position, and their defaults.
        result: The type of the result.
        summary: The docstring's first line.
        text: The docstring without the parts on parameters and results.

    Raises:
        Unusable: It has no signature, or an annotation that nobody can convert to.
    """

    def __init__(self, function: Callable[..., Any], summary: str | None = None) -> None:
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError) as error:
            raise Unusable(f"it tells no signature: {error}") from None
        try:
            hints = get_type_hints(_annotated(function), include_extras=True)
        except Exception as error:
            raise Unusable(f"its annotations cannot be read: {error}") from None
        doc = docstring_parser.parse(inspect.getdoc(function) or "")
        texts = {each.arg_name.lstrip("*"): each.description or "" for each in doc.params}
        self.parameters = []
        self.positional: dict[str, Any] = {}
        for parameter in signature.parameters.values():
            text = " ".join(texts.get(parameter.name, "").split())
            if parameter.kind is parameter.POSITIONAL_ONLY:
                self.positional[parameter.name] = parameter.default
            try:
                self.parameters.append(_parameter(parameter, hints, text))
            except Unusable as reason:
                if parameter.default is parameter.empty and parameter.kind not in _VARIABLE:
                    raise
                logger.debug("%s: left out: %s", function, reason)
        self.result = hints.get("return", Any)
        self.summary = summary or doc.short_description or ""
        long = [doc.long_description] if doc.long_description else []
        examples = [f"{each.snippet or ''}\n{each.description or ''}" for each in doc.examples]
        lines = [line.strip() for each in examples for line in each.splitlines() if line.strip()]
        if lines:
            long.append("Examples:\n" + "\n".join(f"    {line}" for line in lines))
        self.text = "\n\n".join([self.summary, *long])


def _annotated(function: Callable[..., Any]) -> Callable[..., Any]:
    """What has the annotations of a class, a partial function or an object that can be called."""
    if inspect.isclass(function):
        return function.__init__
    if isinstance(function, functools.partial):
        return _annotated(function.func)
    is_object = not inspect.isroutine(function) and not hasattr(function, "__wrapped__")
    return type(function).__call__ if is_object else function


def _parameter(parameter: inspect.Parameter, hints: dict[str, Any], text: str) -> Parameter:
    if parameter.kind in _VARIABLE:
        raise Unusable(f"parameter {parameter.name} has no name on a command line")
    kind = type(parameter.default)
    # Without an annotation, the default tells.
    annotation = hints.get(parameter.name, kind if kind in _TELLING else Any)
    try:
        made = Parameter(parameter, annotation, text)
        made.type.schema()
    except Exception as error:
        # Of several lines of msgspec's the last one tells.
        why = (str(error).splitlines() or [type(error).__name__])[-1]
        raise Unusable(f"parameter {parameter.name}: {why}") from None
    return made
