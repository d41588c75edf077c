"""The parameters of a function, from its signature and docstring."""

from __future__ import annotations

import functools
import inspect
import logging
import types
from collections.abc import Callable
from typing import Any, get_type_hints

from skills_host.docstring import Docstring
from skills_host.functions.value import Type

logger = logging.getLogger("skills_host.functions")

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
#: Types of defaults that stand in for a missing annotation.
_DEFAULT_TYPES = (bool, int, float, str)


class Unusable(Exception):
    """A function cannot be a command; the message is the reason."""


class Parameter:
    """A parameter of a function.

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
    """Parameters, result and help of a function.

    Args:
        function: The function.
        summary: Replaces the docstring's first line.

    Attributes:
        parameters: The parameters of the command; unusable ones with defaults are left out.
        positional: Defaults of positional-only parameters, by name.
        result: The type of the result.
        summary: The docstring's first line.
        text: The docstring without the parts on parameters and results.
        warnings: Annotations that cannot be evaluated.

    Raises:
        Unusable: It has no signature, or a parameter whose type cannot be converted to.
    """

    def __init__(self, function: Callable[..., Any], summary: str | None = None) -> None:
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError) as error:
            raise Unusable(f"it has no signature: {error}") from None
        self.warnings: list[str] = []
        hints = _hints(_annotated(function), self.warnings)
        doc = Docstring(inspect.getdoc(function) or "")
        self.parameters = []
        self.positional: dict[str, Any] = {}
        for parameter in signature.parameters.values():
            text = doc.parameters.get(parameter.name, "")
            if parameter.kind is parameter.POSITIONAL_ONLY:
                self.positional[parameter.name] = parameter.default
            try:
                self.parameters.append(_parameter(parameter, hints, text))
            except Unusable as reason:
                if parameter.default is parameter.empty and parameter.kind not in _VARIABLE:
                    raise
                logger.debug("%s: left out: %s", function, reason)
        self.result = hints.get("return", Any)
        self.summary = summary or doc.summary
        # FastAPI's documents, too, have the summary as the first line of the text.
        self.text = self.summary + doc.text.removeprefix(doc.summary)


def _hints(function: Callable[..., Any], warnings: list[str]) -> dict[str, Any]:
    """Returns the annotations of `function`; `warnings` gets those that cannot be evaluated."""
    try:
        return get_type_hints(function, include_extras=True)
    except Exception:
        logger.debug("%s: its annotations are read one by one", function)
    hints: dict[str, Any] = {}
    names = getattr(function, "__globals__", {})
    for name, annotation in getattr(function, "__annotations__", {}).items():
        one = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            hints |= get_type_hints(one, names, include_extras=True)
        except Exception as error:
            where = getattr(function, "__qualname__", repr(function))
            warnings.append(f"{where}: the annotation of {name} cannot be evaluated: {error}")
    return hints


def _annotated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the function with the annotations of a class, a partial function or an object."""
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
    annotation = hints.get(parameter.name, kind if kind in _DEFAULT_TYPES else Any)
    try:
        made = Parameter(parameter, annotation, text)
        made.type.schema()
    except Exception as error:
        # The last line of msgspec's message has the reason.
        why = (str(error).splitlines() or [type(error).__name__])[-1]
        raise Unusable(f"parameter {parameter.name}: {why}") from None
    return made
