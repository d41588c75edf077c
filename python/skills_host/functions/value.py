"""Values of parameters: converting and describing them, by their annotations.

`msgspec` does both. Where an annotation names a pydantic model, the plugin has imported pydantic
itself, and pydantic does.
"""

from __future__ import annotations

import inspect
import json
import types
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

_REFERENCE = "#/components/schemas/{name}"
_TRUTHS = {"1": True, "true": True, "on": True, "yes": True}
_TRUTHS |= {"0": False, "false": False, "off": False, "no": False}
#: What FastAPI calls a value that is not of a type; clients put it into words.
_PARSING = {int: "int_parsing", float: "float_parsing", bool: "bool_parsing"}
_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of")


class Invalid(Exception):
    """A value does not fit.

    Attributes:
        kind: What is wrong, as FastAPI names it.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Type:
    """The type of a parameter or a result.

    Args:
        annotation: As `typing.get_type_hints` gives it; `Any` for none.

    Attributes:
        annotation: The type without its help.
        bare: The type without `None` and constraints.
        help: The texts in an `Annotated`.
        bounds: Constraints that a number has.
        is_list: True where several values may be given.
    """

    def __init__(self, annotation: Any) -> None:
        metadata: list[Any] = []
        if get_origin(annotation) is Annotated:
            annotation, *metadata = get_args(annotation)
        texts = [
            item if isinstance(item, str) else getattr(item, "documentation", "")
            for item in metadata
        ]
        self.help = " ".join(text for text in texts if isinstance(text, str) and text)
        annotation = _one_text(annotation)
        limits = _limits(metadata)
        self.annotation = Annotated[annotation, msgspec.Meta(**limits)] if limits else annotation
        self.bounds = {name: limits[name] for name in _BOUNDS if name in limits}
        self.is_constrained = bool(limits)
        self.bare = _without_none(annotation)
        self.is_list = (get_origin(self.bare) or self.bare) in (list, set, frozenset, tuple)
        self._pydantic = _pydantic_adapter(annotation)

    def schema(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The JSON Schema, and the components it refers to."""
        if self._pydantic is not None:
            schema = self._pydantic.json_schema(ref_template=_REFERENCE.replace("name", "model"))
            return schema, schema.pop("$defs", {})
        (schema,), components = msgspec.json.schema_components(
            [self.annotation], schema_hook=_schema_of_other, ref_template=_REFERENCE
        )
        return schema, components

    def from_json(self, value: Any) -> Any:
        """Converts a JSON value.

        Raises:
            Invalid: It does not fit.
        """
        return self._convert(value, strict=not isinstance(value, str))

    def from_text(self, text: str | list[str]) -> Any:
        """Converts what stands in a query.

        Raises:
            Invalid: It does not fit.
        """
        if self.annotation is Any and isinstance(text, str):
            return _told_by_itself(text)
        if self.bare is bool and isinstance(text, str):
            truth = _TRUTHS.get(text.lower())
            if truth is None:
                raise Invalid("bool_parsing", "Input should be a valid boolean")
            return truth
        try:
            return self._convert(text, strict=False)
        except Invalid:
            if isinstance(text, str) and text[:1] in ("{", "["):
                return self._convert(_parsed(text), strict=False)
            raise

    def _convert(self, value: Any, strict: bool) -> Any:
        if self._pydantic is not None:
            try:
                return self._pydantic.validate_python(value)
            except ValueError as error:
                raise Invalid("value_error", str(error)) from None
        try:
            return msgspec.convert(value, self.annotation, strict=strict, dec_hook=_other)
        except (msgspec.ValidationError, ValueError) as error:
            choices = _choices(self.bare)
            if choices:
                named = ", ".join(repr(choice) for choice in choices)
                raise Invalid("literal_error", f"Input should be one of {named}") from None
            is_range = isinstance(value, (int, float)) or _is_number(value)
            kind = _PARSING.get(self.bare)
            if kind is None or (self.is_constrained and is_range):
                raise Invalid("value_error", str(error)) from None
            raise Invalid(kind, f"Input should be a valid {_JSON_NAMES[self.bare]}") from None


_JSON_NAMES = {int: "integer", float: "number", bool: "boolean"}


def to_json(value: Any) -> bytes:
    """A result as JSON."""
    return msgspec.json.encode(value, enc_hook=_plain)


def choices(annotation: Any) -> dict[str, Any] | None:
    """Value by text, for a `Literal` of texts or an enum of texts."""
    if get_origin(annotation) is Literal:
        values = get_args(annotation)
        if all(type(value) is str for value in values):
            return {value: value for value in values}
    if _is_enum(annotation) and all(type(member.value) is str for member in annotation):
        return {member.value: member for member in annotation}
    return None


def _choices(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if _is_enum(annotation):
        return [member.value for member in annotation]
    return []


def _is_enum(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, Enum)


def _without_none(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return annotation


def _one_text(annotation: Any) -> Any:
    """A union without what a text cannot be told from: `str | bytes` is `str`."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    parts = get_args(annotation)
    if str not in parts:
        return annotation
    kept = [part for part in parts if part in (str, int, float, bool, type(None))]
    structured = [part for part in parts if get_origin(part) in (list, dict, tuple, set)]
    # `|` cannot join what is known only now.
    return Union[tuple(kept + structured)]  # noqa: UP007


def _limits(metadata: list[Any]) -> dict[str, Any]:
    """The constraints of `annotated_types` and `msgspec.Meta`."""
    limits: dict[str, Any] = {}
    for item in metadata:
        for name in (*_BOUNDS, "min_length", "max_length", "pattern"):
            value = getattr(item, name, None)
            if value is not None and not callable(value):
                limits[name] = value
    return limits


def _pydantic_adapter(annotation: Any) -> Any:
    """Pydantic's converter, for a type that has one of its models somewhere."""
    parts, seen = [annotation], []
    while parts:
        part = parts.pop()
        seen.append(part)
        parts.extend(each for each in get_args(part) if each not in seen)
    if not any(_is_model(part) for part in seen):
        return None
    from pydantic import TypeAdapter

    return TypeAdapter(annotation)


def _is_model(part: Any) -> bool:
    # By name: that pydantic is in `sys.modules` does not mean that its import has ended.
    bases = getattr(part, "__mro__", ())
    return any((base.__module__, base.__name__) == ("pydantic.main", "BaseModel") for base in bases)


def _told_by_itself(text: str) -> Any:
    """A value of which nothing is known: JSON where it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Invalid("json_invalid", f"JSON decode error: {error}") from None


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _other(expected: type, value: Any) -> Any:
    """A value of a type that msgspec does not know."""
    if inspect.isclass(expected) and issubclass(expected, PurePath) and isinstance(value, str):
        return expected(value).expanduser() if hasattr(expected, "expanduser") else expected(value)
    if inspect.isclass(expected) and isinstance(value, expected):
        return value
    raise ValueError(f"Expected `{getattr(expected, '__name__', expected)}`")


def _schema_of_other(annotation: Any) -> dict[str, Any]:
    if inspect.isclass(annotation) and issubclass(annotation, PurePath):
        return {"type": "string", "format": "path"}
    return {}


def _plain(value: Any) -> Any:
    """A value that JSON can hold, for one that msgspec does not know."""
    if isinstance(value, PurePath):
        return str(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if inspect.isgenerator(value) or hasattr(value, "__next__"):
        return list(value)
    raise TypeError(f"a result of type {type(value).__name__} cannot be written as JSON")
