"""Texts for a parameter, by its type."""

from __future__ import annotations

import collections.abc
import datetime
import decimal
import enum
import pathlib
import types
import uuid
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pydantic
from corpus import ANY, BOOL, DATE, DATETIME, DECIMAL, FLOAT, INT, OTHER, TIME, TIMEDELTA, UUID

_BY_TYPE: dict[Any, list[str]] = {
    int: INT,
    float: [*FLOAT, *INT],
    bool: BOOL,
    datetime.date: DATE,
    datetime.datetime: [*DATETIME, *DATE],
    pydantic.NaiveDatetime: DATETIME,
    pydantic.AwareDatetime: DATETIME,
    datetime.time: TIME,
    datetime.timedelta: TIMEDELTA,
    uuid.UUID: UUID,
    decimal.Decimal: [*DECIMAL, *FLOAT],
    str: ANY,
    bytes: ANY,
    pathlib.Path: [*ANY, "/a/../b", "~", "a//b"],
    **OTHER,
}
_CONVERTED = {
    "int": INT,
    "float": [*FLOAT, *INT],
    "uuid": UUID,
    "path": [*ANY, "a/b/c", "//", "/a/"],
}


def convertor_texts(convertor: str) -> list[str]:
    """Texts for a path parameter, by its convertor."""
    return _CONVERTED.get(convertor, [])


def is_many(annotation: Any) -> bool:
    """Returns whether a parameter of this type takes several values."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return is_many(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return any(is_many(member) for member in get_args(annotation))
    if annotation in (list, set, tuple, frozenset):
        return True
    return isinstance(origin, type) and issubclass(
        origin, (list, set, tuple, frozenset, collections.abc.Sequence)
    )


def texts(annotation: Any) -> list[str]:
    """Texts for a parameter of this type, without repetitions."""
    return list(dict.fromkeys([*_texts(annotation), *ANY[:6]]))


def _texts(annotation: Any) -> list[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _texts(arguments[0])
    if origin is Literal:
        return [text for value in arguments for text in _near(value)]
    if arguments:
        return [text for member in arguments for text in _texts(member)]
    if hasattr(annotation, "__supertype__"):
        return _texts(annotation.__supertype__)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [text for member in annotation for text in (member.name, *_near(member.value))]
    for known, found in _BY_TYPE.items():
        if annotation is known:
            return found
    if annotation is Any:
        return [*ANY, *INT[:10]]
    for known, found in _BY_TYPE.items():
        if (
            isinstance(annotation, type)
            and isinstance(known, type)
            and issubclass(annotation, known)
        ):
            return found
    return ANY


def _near(value: Any) -> list[str]:
    text = str(value)
    around = [
        text,
        text.upper(),
        text.title(),
        f" {text}",
        f"{text} ",
        f"{text}\n",
        text[:-1],
        text * 2,
    ]
    if isinstance(value, (int, float)):
        around += [f"0{text}", f"+{text}", f"{text}.0", f"{text}.5", f"{text}e0", f"{text}_0"]
    return around


_good: dict[str, str] = {}


def good(annotation: Any) -> str:
    """A text that a parameter of this type takes, if there is one."""
    key = repr(annotation)
    if key not in _good:
        _good[key] = next((text for text in texts(annotation) if _fits(annotation, text)), "1")
    return _good[key]


def _fits(annotation: Any, text: str) -> bool:
    if not text.strip("\x00 "):
        return False
    try:
        adapter = pydantic.TypeAdapter(annotation)
        adapter.validate_python([text] if is_many(annotation) else text)
    except (ValueError, TypeError, OverflowError, pydantic.PydanticUserError):
        return False
    return True
