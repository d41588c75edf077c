"""Values of parameters: converting and describing them, by their annotations.

`msgspec` does both. What it refuses, pydantic decides, as it does for FastAPI: so both kinds of
plugin take the same values and say the same of others. Pydantic is imported only then, or where an
annotation needs it: one of its models or types, one of its constraints.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import json
import re
import types
from enum import Enum
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

_REFERENCE = "#/components/schemas/{name}"
#: Spellings that need no second opinion.
_TRUTHS = {"1": True, "true": True, "on": True, "yes": True}
_TRUTHS |= {"0": False, "false": False, "off": False, "no": False}
_INTEGER = re.compile(r"-?[0-9]{1,4000}")
#: In older versions msgspec's error is no `ValueError`, as pydantic's is.
_REFUSED = (msgspec.ValidationError, ValueError)
_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of")
#: Constraints that msgspec has too.
_SHARED = ("Gt", "Ge", "Lt", "Le", "Interval", "MultipleOf", "MinLen", "MaxLen", "Len", "Meta")
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

#: One thing that is wrong with a value, as FastAPI writes it; `loc` begins at the value.
Problem = dict[str, Any]


class Invalid(Exception):
    """A value does not fit.

    Attributes:
        problems: All that is wrong with it.
    """

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem["msg"] for problem in problems))
        self.problems = problems


class Type:
    """The type of a parameter or a result.

    Args:
        annotation: As `typing.get_type_hints` gives it; `Any` for none.

    Attributes:
        annotation: The type without its help, with constraints as msgspec's.
        bare: The type without `None` and constraints.
        help: The texts in an `Annotated`.
        bounds: Constraints that a number has.
        is_list: True where several values may be given.
        needs_pydantic: True where msgspec would fail, or not check what it does not know.
    """

    def __init__(self, annotation: Any) -> None:
        self._whole = annotation
        metadata: list[Any] = []
        while get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata += more
        annotation = _one_text(annotation)
        self.annotation = _limited(Annotated[(annotation, *metadata)] if metadata else annotation)
        self.bare = _without_none(annotation)
        while get_origin(self.bare) is Annotated:
            # Python 3.10 puts one of a default `None` into an `Optional`.
            bare, *more = get_args(self.bare)
            self.bare = _without_none(bare)
            metadata += more
        self.help = " ".join(text for item in metadata if (text := _help(item)))
        limits = _limits(metadata)
        self.bounds = {name: limits[name] for name in _BOUNDS if name in limits}
        self.is_constrained = bool(limits)
        self.is_list = any((get_origin(part) or part) in _SEVERAL for part in _union(self.bare))
        self._pydantic: Any = None
        self._judge: Any = None
        self._has_judge = False
        parts = _parts(self._whole)
        self._is_judged = not any(_is_read_otherwise(part) for part in parts)
        self.needs_pydantic = _needs_pydantic(parts)
        if self.needs_pydantic:
            from pydantic import TypeAdapter

            self._pydantic = TypeAdapter(self._whole)

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
        if isinstance(value, str) and self._is_odd(value):
            return self._second_opinion(value)
        try:
            return self._convert(value, strict=not isinstance(value, str))
        except _REFUSED as error:
            return self._second_opinion(value, str(error))

    def from_text(self, text: str | list[str]) -> Any:
        """Converts what stands in a query.

        Raises:
            Invalid: It does not fit.
        """
        if isinstance(text, str):
            if self.annotation is Any:
                return _told_by_itself(text)
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
        """True for a text that msgspec and pydantic may read in two ways."""
        if self._pydantic is not None or not self._is_judged:
            return False
        if self.bare is int:
            return _INTEGER.fullmatch(text) is None
        if self.bare is bool:
            return True
        # To msgspec it is `None`.
        return text.lower() == "null" and self.bare is not self.annotation and self.bare is not str

    def _convert(self, value: Any, strict: bool) -> Any:
        """Converts a value the quick way; one of `_REFUSED` is not the last word."""
        if self._pydantic is not None:
            return self._pydantic.validate_python(value, from_attributes=True)
        return msgspec.convert(value, self.annotation, strict=strict, dec_hook=_other)

    def _second_opinion(self, value: Any, complaint: str = "Input is not valid") -> Any:
        """What pydantic makes of a value that was refused, or that is not plain."""
        if not self._has_judge:
            self._judge = self._pydantic or (_adapter(self._whole) if self._is_judged else None)
            self._has_judge = True
        if self._judge is None:
            problem = {"type": "value_error", "loc": [], "msg": complaint, "input": value}
            raise Invalid([problem])
        try:
            return self._judge.validate_python(value, from_attributes=True)
        except ValueError as error:
            # By way of JSON, because an exception can be part of it.
            raise Invalid(json.loads(error.json(include_url=False))) from None


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


def _union(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; a type that is none is its only one."""
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def _help(item: Any) -> str:
    """What a part of an `Annotated` says to people: it is a text, a `Doc`, or has a description."""
    texts = (item, getattr(item, "documentation", None), getattr(item, "description", None))
    return next((text for text in texts if isinstance(text, str)), "")


def _limited(annotation: Any) -> Any:
    """The annotation with all constraints as msgspec wants them, and `Any` for `object`."""
    if annotation is object:
        return Any
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = [item for item in args[1:] if isinstance(item, msgspec.Meta)]
        limits = _limits([item for item in args[1:] if item not in own])
        constraints = [*own, msgspec.Meta(**limits)] if limits else own
        if not constraints:
            return _limited(args[0])
        # To those of a whole union msgspec does not hold itself.
        members = [
            each if each is type(None) else Annotated[(_limited(each), *constraints)]
            for each in _union(args[0])
        ]
        return Union[tuple(members)]  # noqa: UP007
    if not args or origin is Literal or origin is collections.abc.Callable:
        return annotation
    limited = tuple(_limited(each) for each in args)
    if limited == args:
        return annotation
    # `|` cannot join what is known only now.
    return Union[limited] if _union(annotation) == args else origin[limited]  # noqa: UP007


def _limits(metadata: list[Any]) -> dict[str, Any]:
    """The constraints of `annotated_types` and `msgspec.Meta`."""
    limits: dict[str, Any] = {}
    for item in filter(_is_shared, metadata):
        for name in (*_BOUNDS, "min_length", "max_length", "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                limits[name] = value
    return limits


def _is_shared(item: Any) -> bool:
    kind = type(item)
    return kind.__module__ in ("annotated_types", "msgspec") and kind.__name__ in _SHARED


class _Part:
    """A type, or a part of an `Annotated`, somewhere in an annotation.

    Attributes:
        of: The type or part.
        is_inner: True if it is in a field of a class.
    """

    def __init__(self, of: Any, is_inner: bool) -> None:
        self.of = of
        self.is_inner = is_inner

    def parts(self) -> list[_Part]:
        """What it is made of."""
        inner = [_Part(each, True) for each in _fields(self.of)]
        return [*(_Part(each, self.is_inner) for each in get_args(self.of)), *inner]


def _parts(annotation: Any) -> list[_Part]:
    """All that an annotation is made of."""
    parts, seen = [_Part(annotation, False)], []
    while parts:
        part = parts.pop()
        if not any(part.of is each.of for each in seen):
            seen.append(part)
            parts.extend(part.parts())
    return seen


def _fields(part: Any) -> list[Any]:
    """The types of a class's fields, where the class is a kind that is described by them."""
    if not inspect.isclass(part) or not (
        dataclasses.is_dataclass(part)
        or hasattr(part, "__total__")
        or (issubclass(part, tuple) and hasattr(part, "_fields"))
    ):
        return []
    try:
        return list(get_type_hints(part, include_extras=True).values())
    except Exception:
        # Whoever converts it says what is wrong.
        return []


def _needs_pydantic(parts: list[_Part]) -> bool:
    for part in parts:
        kind = part.of if inspect.isclass(part.of) else type(part.of)
        # By name: that pydantic is in `sys.modules` does not mean that its import has ended.
        if any(base.__module__.startswith("pydantic") for base in kind.__mro__):
            return True
        if hasattr(kind, "__pydantic_validator__"):
            return True
        is_limit = kind.__module__ == "annotated_types" and not inspect.isclass(part.of)
        # Of a class's fields, msgspec reads only its own constraints.
        if is_limit and (part.is_inner or not _is_shared(part.of)):
            return True
    return False


def _is_read_otherwise(part: _Part) -> bool:
    """True for what pydantic reads as something else, or does not know to be a constraint."""
    if inspect.isclass(part.of):
        return issubclass(part.of, (bytes, bytearray, memoryview, msgspec.Struct))
    return isinstance(part.of, msgspec.Meta)


def _adapter(annotation: Any) -> Any:
    """Pydantic's converter; `None` for what it does not know."""
    try:
        from pydantic import TypeAdapter

        return TypeAdapter(annotation)
    except Exception:
        return None


def _told_by_itself(text: str) -> Any:
    """A value of which nothing is known: JSON where it is JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _structured(text: str | list[str]) -> Any:
    """The value of a text that is a JSON object or array, or of several; `None` for others."""
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
    if hasattr(value, "model_dump") and not inspect.isclass(value):
        return value.model_dump(mode="json")
    if value is None or isinstance(value, bool):
        # As a key.
        return json.dumps(value)
    if isinstance(value, collections.abc.Iterable) and not isinstance(value, tuple):
        return list(value)
    raise TypeError(f"a result of type {type(value).__name__} cannot be written as JSON")
