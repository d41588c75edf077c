"""The parts of an annotation: type, help, constraints, choices."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import types
from collections.abc import Iterable
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

#: Constraints that a number can have.
BOUNDS = ("gt", "ge", "lt", "le", "multiple_of")
#: Constraints that msgspec has too.
_SHARED = ("Gt", "Ge", "Lt", "Le", "Interval", "MultipleOf", "MinLen", "MaxLen", "Len", "Meta")


def choices(annotation: Any) -> dict[str, Any] | None:
    """Returns values by text, for a `Literal` or an enum of texts; otherwise `None`."""
    if get_origin(annotation) is Literal:
        values = get_args(annotation)
        if all(type(value) is str for value in values):
            return {value: value for value in values}
    if _is_enum(annotation) and all(type(member.value) is str for member in annotation):
        return {member.value: member for member in annotation}
    return None


def _is_enum(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, Enum)


def without_none(annotation: Any) -> Any:
    """Returns `X` of `X | None`; any other annotation as it is."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [each for each in get_args(annotation) if each is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return annotation


def one_text(annotation: Any) -> Any:
    """Returns a union with `str` less the members that texts fit too: `str | bytes` is `str`."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return annotation
    parts = get_args(annotation)
    if str not in parts:
        return annotation
    kept = [part for part in parts if part in (str, int, float, bool, type(None))]
    structured = [part for part in parts if get_origin(part) in (list, dict, tuple, set)]
    # `|` cannot join what is known only now.
    return Union[tuple(kept + structured)]  # noqa: UP007


def union(annotation: Any) -> tuple[Any, ...]:
    """Returns the members of a union, or the type itself if it is none."""
    is_union = get_origin(annotation) in (Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def help_of(item: Any) -> str:
    """Returns the help in a part of an `Annotated`: a text, a `Doc`, or its `description`."""
    texts = (item, getattr(item, "documentation", None), getattr(item, "description", None))
    return next((text for text in texts if isinstance(text, str)), "")


def annotated(of: Any, metadata: Iterable[Any]) -> Any:
    """Returns `Annotated[of, *metadata]`."""
    parts = (of, *metadata)
    return Annotated[parts]


def limited(annotation: Any) -> Any:
    """Returns the annotation with all constraints as `msgspec.Meta`, and `Any` for `object`."""
    if annotation is object:
        return Any
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        own = [item for item in args[1:] if isinstance(item, msgspec.Meta)]
        others = limits([item for item in args[1:] if item not in own])
        constraints = [*own, msgspec.Meta(**others)] if others else own
        if not constraints:
            return limited(args[0])
        # msgspec ignores the constraints of a whole union.
        members = tuple(
            each if each is type(None) else annotated(limited(each), constraints)
            for each in union(args[0])
        )
        return Union[members]  # noqa: UP007
    if not args or origin is Literal or origin is collections.abc.Callable:
        return annotation
    members = tuple(limited(each) for each in args)
    if members == args:
        return annotation
    # `|` cannot join what is known only now.
    return Union[members] if union(annotation) == args else origin[members]  # noqa: UP007


def limits(metadata: list[Any]) -> dict[str, Any]:
    """Returns the constraints of `annotated_types` and `msgspec.Meta` by name."""
    found: dict[str, Any] = {}
    for item in filter(_is_shared, metadata):
        for name in (*BOUNDS, "min_length", "max_length", "pattern"):
            value = getattr(item, name, None)
            if value is not None:
                found[name] = value
    return found


def _is_shared(item: Any) -> bool:
    kind = type(item)
    return kind.__module__ in ("annotated_types", "msgspec") and kind.__name__ in _SHARED


class Part:
    """A type, or a part of an `Annotated`, somewhere in an annotation.

    Attributes:
        of: The type or part.
        is_inner: True if it is in a field of a class.
    """

    def __init__(self, of: Any, is_inner: bool) -> None:
        self.of = of
        self.is_inner = is_inner

    def parts(self) -> list[Part]:
        """Returns its type arguments, and the types of its fields."""
        inner = [Part(each, True) for each in _fields(self.of)]
        return [*(Part(each, self.is_inner) for each in get_args(self.of)), *inner]


def parts(annotation: Any) -> list[Part]:
    """Returns an annotation with all its parts, nested ones included."""
    left, seen = [Part(annotation, False)], list[Part]()
    while left:
        part = left.pop()
        if not any(part.of is each.of for each in seen):
            seen.append(part)
            left.extend(part.parts())
    return seen


def _fields(part: Any) -> list[Any]:
    """Returns the types of the fields of a dataclass, `TypedDict` or named tuple."""
    if not inspect.isclass(part) or not (
        dataclasses.is_dataclass(part)
        or hasattr(part, "__total__")
        or (issubclass(part, tuple) and hasattr(part, "_fields"))
    ):
        return []
    try:
        return list(get_type_hints(part, include_extras=True).values())
    except Exception:
        # The conversion reports the error.
        return []


def needs_pydantic(parts: list[Part]) -> bool:
    """Returns true where msgspec would fail, or skip constraints that it does not support."""
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


def is_read_otherwise(part: Part) -> bool:
    """Returns true for types that pydantic reads differently, and for `msgspec.Meta`."""
    if inspect.isclass(part.of):
        return issubclass(part.of, (bytes, bytearray, memoryview, msgspec.Struct))
    return isinstance(part.of, msgspec.Meta)
