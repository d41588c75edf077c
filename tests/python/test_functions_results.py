"""Results of every kind as JSON."""

import collections
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from skills_host.functions.value import to_json


class Tone(Enum):
    WARM = "warm"
    LOUD = 1.5


class Model(BaseModel):
    size: int
    path: Path = Path("x")


@dataclass
class Holder:
    model: Model
    tags: set[str]
    more: Any = None


class Pair(NamedTuple):
    left: int
    right: str


def written(value: Any) -> Any:
    return json.loads(to_json(value))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1,
        10**30,
        1.5,
        "ü☃\n",
        "",
        [],
        {},
        [1, [2, {"a": None}]],
        (1, 2),
        {1, 2},
        frozenset("a"),
        collections.deque([1]),
        collections.OrderedDict(a=1),
        collections.Counter("aab"),
        collections.defaultdict(list, a=[1]),
        date(2024, 2, 29),
        datetime(2024, 2, 29, 10, 0, 0, 123),
        time(10, 0),
        UUID(int=1),
        Path("/a/b"),
        Tone.WARM,
        Tone.LOUD,
        Model(size=1),
        [Model(size=1)],
        Holder(Model(size=1), {"a"}),
        {"a": Holder(Model(size=1), set(), Path("x"))},
        Pair(1, "a"),
        {1: "a", 1.5: "b"},
        {True: "a", None: "b"},
        {Tone.WARM: 1},
        {date(2024, 1, 1): 1},
        {Path("a"): 1},
        {UUID(int=1): 1},
    ],
    ids=repr,
)
def test_a_result_is_written_as_fastapi_writes_it(value):
    assert written(value) == json.loads(json.dumps(jsonable_encoder(value)))


def squares() -> Iterator[int]:
    yield from (number**2 for number in range(3))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # FastAPI makes nothing of these, or fails.
        (squares(), [0, 1, 4]),
        (map(str, [1]), ["1"]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), [["a", 1]]),
        (float("nan"), None),
        (float("-inf"), None),
        # Exact, and as `bytes` and `Decimal` parameters are read.
        (b"a\xff", "Yf8="),
        (Decimal("1.50"), "1.50"),
        (timedelta(hours=1), "PT3600S"),
        # The shorter way to write UTC.
        (datetime(2024, 1, 1, tzinfo=timezone.utc), "2024-01-01T00:00:00Z"),
    ],
    ids=str,
)
def test_what_is_written_in_another_way_than_fastapis(value, expected):
    assert written(value) == expected


@pytest.mark.parametrize("value", [object(), 1j, ValueError("x"), len, Model])
def test_what_json_cannot_hold_is_an_error_that_names_it(value):
    with pytest.raises(TypeError, match=f"^a result of type {type(value).__name__} cannot be"):
        to_json(value)
    with pytest.raises(TypeError, match=type(value).__name__):
        to_json({"a": [value]})


def test_a_key_that_is_no_text_is_an_error():
    with pytest.raises(TypeError, match="tuple"):
        to_json({(1, 2): 3})
