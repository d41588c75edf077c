"""The parameters of a function, from its signature and docstring."""

from __future__ import annotations

import functools
import inspect
import logging
import types
from collections.abc import Callable
from typing import Any, NamedTuple, get_type_hints

from skills_host.docstring import Docstring
from skills_host.functions import stdin
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
        stdin: The parameter that is the caller's stdin, if there is one.

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
        self.stdin: Stdin | None = None
        for parameter in signature.parameters.values():
            text = doc.parameters.get(parameter.name, "")
            if make := stdin.maker(hints.get(parameter.name)):
                own = Stdin(parameter.name, make, text)
                self.stdin = _stdin(own, self.stdin, function, hints)
                continue
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
        if self.stdin is not None:
            about = f": {self.stdin.help}" if self.stdin.help else "."
            option = "--" + self.stdin.name.replace("_", "-")
            self.text = f"{self.text}\n\nReads stdin, or a file by `{option} @FILE`{about}".strip()


class Stdin(NamedTuple):
    """A parameter that is the caller's stdin.

    Attributes:
        name: Its name.
        make: Makes its value for a call.
        help: Its help; may be empty.
    """

    name: str
    make: stdin.Maker
    help: str


def _stdin(
    own: Stdin, other: Stdin | None, function: Callable[..., Any], hints: dict[str, Any]
) -> Stdin:
    """Returns the parameter that is stdin.

    Raises:
        Unusable: There is another one, or a function of this kind cannot read it.
    """
    if other is not None:
        raise Unusable(f"both {other.name} and {own.name} would be stdin")
    is_async = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
    blocks = stdin.blocks(hints[own.name])
    if is_async and blocks:
        raise Unusable(
            f"parameter {own.name}: reading it would block the event loop; in `async def` use"
            " `AsyncIterator[bytes]` or `AsyncIterator[str]`"
        )
    if not is_async and not blocks:
        raise Unusable(f"parameter {own.name}: only `async def` can read an `AsyncIterator`")
    return own


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
