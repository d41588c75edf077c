"""Converts and describes values of parameters by their annotations.

`msgspec` does both. Values that it refuses are validated by pydantic, as in FastAPI: so both kinds
of plugin accept the same values and report the same problems. Pydantic is imported only then, or
where an annotation needs it: one of its models or types, one of its constraints.
"""

from __future__ import annotations

import collections.abc
import inspect
import json
import re
from pathlib import Path, PurePath
from typing import Annotated, Any, get_args, get_origin

import msgspec

from skills_host.functions import schema
from skills_host.functions.annotation import (
    BOUNDS,
    annotated,
    help_of,
    is_read_otherwise,
    limited,
    limits,
    needs_pydantic,
    one_text,
    parts,
    union,
    without_none,
)

#: Spellings of truth values that msgspec and pydantic read alike.
_TRUTHS = {"1": True, "true": True, "on": True, "yes": True}
_TRUTHS |= {"0": False, "false": False, "off": False, "no": False}
_INTEGER = re.compile(r"-?[0-9]{1,4000}")
#: In older versions msgspec's error is no `ValueError`, as pydantic's is.
_REFUSED = (msgspec.ValidationError, ValueError)
_SEVERAL = (
    list,
    set,
    frozenset,
    tuple,
    collections.abc.Collection,
    collections.abc.MutableSequence,
    collections.abc.MutableSet,
    collections.abc.Sequence,
    collections.abc.Set,
)

#: One problem of a value in the shape of FastAPI's; `loc` begins at the value.
Problem = dict[str, Any]


class Invalid(Exception):
    """A value does not satisfy its type.

    Attributes:
        problems: All problems of the value.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem["msg"] for problem in problems))
        self.problems = problems


class Type:
    """The type of a parameter or a result.

    Args:
        annotation: As from `typing.get_type_hints`; `Any` for none.

    Attributes:
        annotation: The type without its help, with constraints as msgspec's.
        bare: The type without `None` and constraints.
        help: The texts in an `Annotated`.
        bounds: Constraints of a number, by name.
        is_list: True where several values may be given.
        needs_pydantic: True where msgspec would fail, or skip constraints.
    """

    def __init__(self, annotation: Any) -> None:
        self._whole = annotation
        metadata: list[Any] = []
        while get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata += more
        annotation = one_text(annotation)
        self.annotation = limited(annotated(annotation, metadata) if metadata else annotation)
        self.bare = without_none(annotation)
        while get_origin(self.bare) is Annotated:
            # Python 3.10 puts one of a default `None` into an `Optional`.
            bare, *more = get_args(self.bare)
            self.bare = without_none(bare)
            metadata += more
        self.help = " ".join(text for item in metadata if (text := help_of(item)))
        constraints = limits(metadata)
        self.bounds = {name: constraints[name] for name in BOUNDS if name in constraints}
        self.is_constrained = bool(constraints)
        self.is_list = any((get_origin(part) or part) in _SEVERAL for part in union(self.bare))
        self._pydantic: Any = None
        self._judge: Any = None
        self._has_judge = False
        self._parts = parts(self._whole)
        self._is_judged = not any(is_read_otherwise(part) for part in self._parts)
        self.needs_pydantic = needs_pydantic(self._parts)
        if self.needs_pydantic:
            from pydantic import TypeAdapter

            self._pydantic = TypeAdapter(self._whole)

    def schema(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Returns the JSON Schema, and the components it refers to."""
        made, components = schema.of(self.annotation, self._pydantic)
        order = schema.Order(self._parts)
        return order.of(made), order.of(components)

    def from_json(self, value: Any) -> Any:
        """Converts a JSON value.

        Raises:
            Invalid: It does not satisfy the type.
        """
        if isinstance(value, str) and self._is_odd(value):
            return self._second_opinion(value)
        try:
            return self._convert(value, strict=not isinstance(value, str))
        except _REFUSED as error:
            return self._second_opinion(value, str(error))

    def from_text(self, text: str | list[str]) -> Any:
        """Converts the text, or texts, of a query parameter.

        Raises:
            Invalid: It does not satisfy the type.
        """
        if isinstance(text, str):
            if self.annotation is Any:
                return _json_or_text(text)
            if self.bare is bool and text.lower() in _TRUTHS:
                return _TRUTHS[text.lower()]
            if self._is_odd(text):
                return self._second_opinion(text)
        try:
            return self._convert(text, strict=False)
        except _REFUSED as error:
            structured = _structured(text)
            if structured is None:
                return self._second_opinion(text, str(error))
        return self.from_json(structured)

    def _is_odd(self, text: str) -> bool:
        """Returns true for a text that msgspec and pydantic may read differently."""
        if self._pydantic is not None or not self._is_judged:
            return False
        if self.bare is int:
            return _INTEGER.fullmatch(text) is None
        if self.bare is bool:
            return True
        # msgspec reads it as `None`.
        return text.lower() == "null" and self.bare is not self.annotation and self.bare is not str

    def _convert(self, value: Any, strict: bool) -> Any:
        """Converts a value by msgspec; after one of `_REFUSED`, `_second_opinion` decides."""
        if self._pydantic is not None:
            return self._pydantic.validate_python(value, from_attributes=True)
        return msgspec.convert(value, self.annotation, strict=strict, dec_hook=_other)

    def _second_opinion(self, value: Any, complaint: str = "Input is not valid") -> Any:
        """Converts a value that msgspec refused or may read differently, by pydantic."""
        if not self._has_judge:
            self._judge = self._pydantic or (_adapter(self._whole) if self._is_judged else None)
            self._has_judge = True
        if self._judge is None:
            problem = {"type": "value_error", "loc": [], "msg": complaint, "input": value}
            raise Invalid([problem])
        from pydantic import ValidationError

        try:
            return self._judge.validate_python(value, from_attributes=True)
        except ValidationError as error:
            # Through JSON, because `ctx` can hold an exception.
            raise Invalid(json.loads(error.json(include_url=False))) from None


def to_json(value: Any) -> bytes:
    """Returns a result as JSON."""
    return msgspec.json.encode(value, enc_hook=_plain)


def _adapter(annotation: Any) -> Any:
    """Returns pydantic's converter; `None` for types that it does not support."""
    try:
        from pydantic import TypeAdapter

        return TypeAdapter(annotation)
    except Exception:
        return None


def _json_or_text(text: str) -> Any:
    """Returns the value of a text that is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _structured(text: str | list[str]) -> Any:
    """Returns the value of a text that is a JSON object or array, or of several; else `None`."""
    if isinstance(text, list):
        values = [_structured(each) for each in text]
        return None if None in values else values
    if text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        message = f"JSON decode error: {error}"
        problem = {"type": "json_invalid", "loc": [], "msg": message, "input": text}
        raise Invalid([problem]) from None


def _other(expected: type, value: Any) -> Any:
    """Converts a value to a type that msgspec does not support."""
    if inspect.isclass(expected) and issubclass(expected, PurePath) and isinstance(value, str):
        path = expected(value)
        return path.expanduser() if isinstance(path, Path) else path
    if inspect.isclass(expected) and isinstance(value, expected):
        return value
    raise ValueError(f"Expected `{getattr(expected, '__name__', expected)}`")


def _plain(value: Any) -> Any:
    """Returns a JSON value for a value that msgspec does not support."""
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "model_dump") and not inspect.isclass(value):
        return value.model_dump(mode="json")
    if value is None or isinstance(value, bool):
        # As a key.
        return json.dumps(value)
    if isinstance(value, collections.abc.Iterable) and not isinstance(value, tuple):
        return list(value)
    raise TypeError(f"a result of type {type(value).__name__} cannot be written as JSON")
