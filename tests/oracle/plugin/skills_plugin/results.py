"""Everything a handler can return, with and without a declared model."""

import array
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import ipaddress
import itertools
import pathlib
import re
import types
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Optional

import pydantic
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_serializer
from typing_extensions import TypedDict

from .kinds import Color, Level, Mixed
from .record import count

router = APIRouter(prefix="/results")


class Inner(BaseModel):
    """A model in a model."""

    id: int = Field(alias="_id")
    note: str | None = None


class Item(BaseModel):
    """A model with everything that changes how it is written."""

    model_config = ConfigDict(populate_by_name=True)

    name: str
    price: decimal.Decimal = decimal.Decimal("1.50")
    big_name: str = Field("x", alias="bigName")
    inner: Inner | None = None
    secret: str = Field("hidden", exclude=True)
    when: datetime.datetime = datetime.datetime(2024, 1, 2, 3, 4, 5, 600, datetime.timezone.utc)

    @computed_field
    def upper(self) -> str:
        """Computed."""
        return self.name.upper()

    @field_serializer("price")
    def _write_price(self, value: decimal.Decimal) -> str:
        return f"{value} €"


class Child(Item):
    """A model with more than its parent shows."""

    password: str = "hunter2"


class Open(BaseModel):
    """A model that keeps unknown fields."""

    model_config = ConfigDict(extra="allow", ser_json_inf_nan="constants")

    ratio: float = 0.5


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: int
    y: float = 0.5
    inner: Optional["Point"] = None
    tags: list[str] = dataclasses.field(default_factory=list)


class Pair(NamedTuple):
    """A named tuple."""

    left: int
    right: str


class Typed(TypedDict, total=False):
    """A typed dict."""

    a: int
    b: str


class Plain:
    """An object with attributes."""

    def __init__(self) -> None:
        self.a, self._b, self.c = 1, 2, [datetime.date(2024, 1, 1)]


class Slots:
    """An object without a `__dict__`."""

    __slots__ = ("a",)


class Text(str):
    """A text of a class of its own."""


class Number(int):
    """A number of a class of its own."""


class Name(enum.Enum):
    """An enum of tuples."""

    pair = (1, 2)


def squares() -> Iterator[int]:
    yield from (n * n for n in range(4))


def _loop() -> list[Any]:
    loop: list[Any] = [1]
    loop.append(loop)
    return loop


def _deep(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


def item(**values: Any) -> Item:
    return Item(name="tea", **values)


_NAN, _INF = float("nan"), float("inf")
_UTC = datetime.timezone.utc
_EAST = datetime.timezone(datetime.timedelta(hours=5, minutes=30))

#: What plain handlers return, made anew for each request.
VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "zero": lambda: 0,
    "text": lambda: "text",
    "empty-text": lambda: "",
    "empty-list": list,
    "empty-dict": dict,
    "ints": lambda: [0, -1, 2**31, 2**53 + 1, -(2**63), 2**64, 10**40],
    "huge-int": lambda: 10**5000,
    "floats": lambda: [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e16,
        1e22,
        1e-7,
        5e-324,
        1.7976931348623157e308,
        1e100,
    ],
    "nan": lambda: {"v": _NAN},
    "inf": lambda: [_INF, -_INF],
    "unicode": lambda: "Ünï \u2028\u2029 \x7f\x80 \ufeff \U0001f600 \uffff e\u0301",
    "controls": lambda: "".join(map(chr, range(32))) + '"\\/<>&',
    "surrogate": lambda: "\ud800",
    "surrogate-key": lambda: {"\udfff": 1},
    "surrogate-pair": lambda: "\ud83d\ude00",
    "nested": lambda: {"a": [{"b": {"c": [[], {}, [None, {"d": "e"}]]}}], "z": (1, (2, 3))},
    "int-keys": lambda: {1: "a", -2: "b", 10**30: "c"},
    "odd-keys": lambda: {None: 1, True: 2, False: 3, 1.5: 4, _INF: 5},
    "nan-key": lambda: {_NAN: 1},
    "same-keys": lambda: {2: "a", "2": "b", True: "c", "true": "d", None: "e", "null": "f"},
    "enum-keys": lambda: {Color.red: 1, Level.high: 2, Mixed.ratio: 3, Mixed.text: 4},
    "date-keys": lambda: {datetime.date(2024, 1, 1): 1, uuid.UUID(int=1): 2},
    "bytes-key": lambda: {b"k": 1},
    "decimal-key": lambda: {decimal.Decimal("1.5"): 1},
    "tuple-key": lambda: {(1, 2): 1},
    "object-key": lambda: {Plain(): 1},
    "sa-keys": lambda: {"_sa_state": 1, "_sa": {"x": 1}, "a": {"_sab": 1, "sa": 2}, "_s": 3},
    "under-keys": lambda: {"_a": 1, "__b": 2, "": 3, " ": 4},
    "datetimes": lambda: [
        datetime.datetime(2024, 2, 29, 1, 2, 3),
        datetime.datetime(2024, 2, 29, 1, 2, 3, 450),
        datetime.datetime(2024, 2, 29, tzinfo=_UTC),
        datetime.datetime(1, 1, 1, tzinfo=_EAST),
        datetime.date(9999, 12, 31),
        datetime.time(1, 2, 3, 4),
        datetime.time(1, 2, tzinfo=_UTC),
        datetime.timedelta(days=-1, microseconds=1),
        datetime.timedelta(),
    ],
    "decimals": lambda: [decimal.Decimal(v) for v in ("1", "1.0", "-0", "1E+3", "0.1", "1E-30")],
    "decimal-nan": lambda: decimal.Decimal("NaN"),
    "bytes": lambda: [b"abc", "ü".encode(), bytearray(b"x")],
    "bad-bytes": lambda: b"\xff",
    "memoryview": lambda: memoryview(b"ab"),
    "sets": lambda: [{3}, frozenset({4}), set()],
    "collections": lambda: [
        collections.deque([1, 2]),
        collections.OrderedDict(b=1, a=2),
        collections.defaultdict(list, a=[1]),
        collections.Counter("aab"),
        types.MappingProxyType({"a": 1}),
        range(3),
        {"a": 1}.keys(),
        {"a": 1}.values(),
        {"a": 1}.items(),
        array.array("i", [1, 2]),
    ],
    "chain-map": lambda: collections.ChainMap({"a": 1}, {"b": 2}),
    "user-dict": lambda: collections.UserDict(a=1),
    "generator": squares,
    "iterators": lambda: [
        iter([1, 2]),
        map(str, [1]),
        zip("ab", [1, 2], strict=True),
        itertools.islice("abc", 2),
    ],
    "failing-iterator": lambda: (1 // n for n in (1, 0)),
    "enums": lambda: [Color.odd, Level.low, Mixed.ratio, Mixed.yes, Name.pair],
    "enum-class": lambda: Level,
    "uuid-path-ip": lambda: [
        uuid.UUID(int=7),
        pathlib.Path("/a/ü b"),
        pathlib.PurePosixPath("x"),
        ipaddress.ip_address("::1"),
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_interface("10.0.0.1/8"),
    ],
    "pattern": lambda: re.compile("a+"),
    "pydantic-types": lambda: [
        pydantic.SecretStr("s"),
        pydantic.SecretBytes(b"s"),
        pydantic.NameEmail("a", "b@c"),
        pydantic.TypeAdapter(pydantic.AnyUrl).validate_python("http://h/p?q"),
        pydantic.TypeAdapter(pydantic.ByteSize).validate_python("1KiB"),
    ],
    "model": lambda: item(),
    "models": lambda: [item(), Child(name="a", inner=Inner(_id=1)), {"k": Inner(_id=2, note="n")}],
    "model-unset": lambda: Item.model_construct(name=3),
    "open-model": lambda: Open(ratio=1, extra={"a": {1}}, _sa_x=1),
    "open-nan": lambda: Open(ratio=_NAN),
    "model-class": lambda: Item.__name__,
    "dataclass": lambda: Point(1, inner=Point(2, tags=["a"])),
    "dataclass-class": lambda: {"v": [Point(1), {"p": Point(3)}]},
    "pydantic-dataclass": lambda: pydantic.dataclasses.dataclass(Point)(1),
    "named-tuple": lambda: [Pair(1, "a"), Typed(a=1, b="x")],
    "namespace": lambda: types.SimpleNamespace(a=1, b={2}),
    "object": Plain,
    "objects-class": lambda: {"v": [Plain()]},
    "slots": lambda: {"v": Slots()},
    "bare-object": lambda: type("Bare", (), {"__slots__": ()})(),
    "function": lambda: {"v": squares},
    "complex": lambda: 1j,
    "fraction": lambda: fractions.Fraction(1, 3),
    "ellipsis": lambda: [...],
    "exception": lambda: ValueError("a value"),
    "subclasses": lambda: [Text("t"), Number(7), {Text("k"): Number(8)}],
    "loop": _loop,
    "deep": lambda: _deep(100),
    "too-deep": lambda: {"v": _deep(20_000)},
    "long-text": lambda: "é" * 70_000,
    "rows": lambda: [{"id": n, "name": f"row {n}", "ok": n % 2 == 0} for n in range(300)],
}


def plain(name: str, make: Callable[[], Any]) -> Callable[[], Any]:
    def handler():
        count(f"results {name}")
        return make()

    return handler


def late(name: str, make: Callable[[], Any]) -> Callable[[], Any]:
    async def handler():
        count(f"results {name}")
        return make()

    return handler


for _name, _make in VALUES.items():
    router.add_api_route(f"/plain/{_name}", plain(_name, _make))
    router.add_api_route(f"/late/{_name}", late(_name, _make))
