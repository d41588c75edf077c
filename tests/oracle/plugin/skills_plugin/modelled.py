"""What handlers return where a model is declared for it."""

# ruff: noqa: UP045 - both spellings of unions are checked

import datetime
import decimal
import types
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Optional

from fastapi import APIRouter
from pydantic import Field

from .kinds import Color, Level
from .record import count
from .results import (
    VALUES,
    Child,
    Inner,
    Item,
    Open,
    Pair,
    Plain,
    Point,
    Typed,
    item,
    late,
    plain,
    squares,
)

router = APIRouter(prefix="/results")

_NAN, _INF = float("nan"), float("inf")

#: Declared model, what is returned, how it is written.
_MODELLED: dict[str, tuple[Any, Callable[[], Any], dict[str, Any]]] = {
    "item": (Item, lambda: item(), {}),
    "item-of-dict": (Item, lambda: {"name": "a", "bigName": "b", "other": 1}, {}),
    "item-of-object": (Item, lambda: types.SimpleNamespace(name="a"), {}),
    "item-filters": (Item, lambda: Child(name="a"), {}),
    "items-filter": (list[Item], lambda: [Child(name="a"), item(inner=Inner(_id=1))], {}),
    "items-of-tuple": (list[Item], lambda: (item(),), {}),
    "items-of-generator": (list[Item], lambda: (item() for _ in range(2)), {}),
    "item-none": (Item, lambda: None, {}),
    "item-wrong": (Item, lambda: {"price": "x"}, {}),
    "item-constructed": (Item, lambda: Item.model_construct(name=3, price="free"), {}),
    "optional-none": (Item | None, lambda: None, {}),
    "optional-item": (Optional[Item], lambda: item(), {}),
    "union": (Item | Inner, lambda: Inner(_id=1), {}),
    "unset": (Item, lambda: item(), {"response_model_exclude_unset": True}),
    "unset-dict": (Item, lambda: {"name": "a"}, {"response_model_exclude_unset": True}),
    "defaults": (Item, lambda: item(big_name="x"), {"response_model_exclude_defaults": True}),
    "exclude-none": (Item, lambda: item(), {"response_model_exclude_none": True}),
    "by-name": (Item, lambda: item(inner=Inner(_id=1)), {"response_model_by_alias": False}),
    "include": (Item, lambda: item(), {"response_model_include": {"name", "inner"}}),
    "exclude": (Item, lambda: item(), {"response_model_exclude": {"when": True, "price": True}}),
    "int-of-text": (int, lambda: "12", {}),
    "int-of-float": (int, lambda: 12.0, {}),
    "int-of-ratio": (int, lambda: 12.5, {}),
    "int-of-true": (int, lambda: True, {}),
    "float-of-int": (float, lambda: 3, {}),
    "float-nan": (float, lambda: _NAN, {}),
    "float-inf": (list[float], lambda: [_INF, 1e16, 1e-7], {}),
    "text-of-int": (str, lambda: 12, {}),
    "text-of-enum": (str, lambda: Color.odd, {}),
    "bool-of-text": (bool, lambda: "yes", {}),
    "bytes": (bytes, lambda: b"ab", {}),
    "bad-bytes": (bytes, lambda: b"\xff", {}),
    "dict": (dict, lambda: {"_sa_x": 1, 1: 2, "t": (1, 2)}, {}),
    "dict-of-list": (dict, lambda: [("a", 1)], {}),
    "dict-wrong": (dict, lambda: [1], {}),
    "dict-any": (dict[str, Any], lambda: {"a": {1: item()}, "n": None, "_sa": 1}, {}),
    "dict-any-nan": (dict[str, Any], lambda: {"a": _NAN}, {}),
    "dict-any-object": (dict[str, Any], lambda: {"a": Plain()}, {}),
    "dict-any-surrogate": (dict[str, Any], lambda: {"a": "\ud800"}, {}),
    "dict-any-odd": (
        dict[str, Any],
        lambda: {"d": datetime.timedelta(1), "s": {1}, "b": b"x", "g": squares(), "e": Level.high},
        {},
    ),
    "dict-any-int-key": (dict[str, Any], lambda: {1: 2}, {}),
    "dict-int": (dict[str, int], lambda: {"a": "1"}, {}),
    "dict-int-key": (dict[int, float], lambda: {"1": 1}, {}),
    "list": (list, lambda: [1, "a", None, (2,), {3}], {}),
    "list-any": (list[Any], lambda: [item(), b"x", decimal.Decimal("1.0")], {}),
    "list-int": (list[int], lambda: [1, "2", 3.0], {}),
    "list-wrong": (list[int], lambda: ["a"], {}),
    "list-dict": (list[dict[str, Any]], lambda: VALUES["rows"](), {}),
    "set": (set[int], lambda: [1, 1], {}),
    "tuple": (tuple[int, str], lambda: [1, "a"], {}),
    "any": (Any, lambda: Child(name="a"), {}),
    "object": (object, lambda: {"a": 1}, {}),
    "none": (None, lambda: {"a": 1}, {}),
    "decimal": (decimal.Decimal, lambda: decimal.Decimal("1.10"), {}),
    "datetime": (datetime.datetime, lambda: "2024-01-01T00:00:00Z", {}),
    "timedelta": (datetime.timedelta, lambda: datetime.timedelta(days=1, seconds=1.5), {}),
    "enum": (Color, lambda: "green", {}),
    "point": (Point, lambda: Point(1, inner=Point(2)), {}),
    "points": (list[Point], lambda: [{"x": "1"}], {}),
    "pair": (Pair, lambda: Pair(1, "a"), {}),
    "typed": (Typed, lambda: {"a": "1", "c": 3}, {}),
    "open": (Open, lambda: Open(ratio=1, extra=[1, {2}]), {}),
    "open-nan": (Open, lambda: Open(ratio=_NAN), {}),
    "constrained": (Annotated[int, Field(ge=3)], lambda: 2, {}),
    "huge-int": (int, lambda: 10**40, {}),
    "surrogate": (str, lambda: "\ud800", {}),
    "status-201": (Item, lambda: item(), {"status_code": 201}),
}

for _name, (_model, _make, _options) in _MODELLED.items():
    router.add_api_route(
        f"/model/{_name}", plain(f"model {_name}", _make), response_model=_model, **_options
    )
    # The same, declared by the annotation of what is returned.
    _handler = late(f"model {_name}", _make)
    _handler.__annotations__["return"] = _model
    router.add_api_route(f"/returns/{_name}", _handler, **_options)


@router.get("/endpoint-generator")
def endpoint_generator():
    """A handler that is itself a generator function."""
    count()
    yield 1
    yield {"a": 2}


@router.get("/returns-coroutine")
def returns_coroutine():
    """A plain function that returns what should have been awaited."""
    count()

    class Awaited:
        def __await__(self) -> Iterator[None]:
            yield

    return Awaited()
