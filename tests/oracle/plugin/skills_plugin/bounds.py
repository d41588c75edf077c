"""Numbers, texts and dates with bounds, fractions among them, in each place."""

# ruff: noqa: B006, UP007, UP045 - both spellings of unions are checked

import datetime
import decimal
import math
from collections.abc import Callable
from typing import Annotated, Any, Optional, Union

import annotated_types
import pydantic
from fastapi import APIRouter, Cookie, Depends, Header, Path, Query
from pydantic import Field

from .record import count, echo

router = APIRouter(prefix="/bounds")

_Decimal = decimal.Decimal
_SECOND = datetime.timedelta(seconds=1.5)

#: The type, and the options of `Path`, `Query`, `Header` or `Cookie` that bound it.
BOUNDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "float-open": (float, {"gt": 0, "lt": 10.5}),
    "float-closed": (float, {"ge": 0.1, "le": 0.3}),
    "float-whole": (float, {"ge": 1.0, "lt": 10.0}),
    "float-ints": (float, {"ge": -1, "le": 1}),
    "float-zero": (float, {"gt": -0.0}),
    "float-small": (float, {"gt": 5e-324, "lt": 1e-7}),
    "float-large": (float, {"ge": 1e15, "le": 1.7976931348623157e308}),
    "float-infinite": (float, {"lt": math.inf}),
    "float-finite": (float, {"ge": 0.5, "allow_inf_nan": False}),
    "float-steps": (float, {"multiple_of": 0.5, "ge": 0.5}),
    "float-decimal": (float, {"ge": _Decimal("0.5"), "lt": _Decimal("2.5")}),
    "float-strict": (float, {"ge": 0.5, "strict": True}),
    "float-same": (float, {"ge": 0.1, "le": 0.1}),
    "float-none": (float, {"gt": 0.5, "lt": 0.5}),
    "int-whole": (int, {"gt": 0.0, "lt": 10.0}),
    "int-steps": (int, {"multiple_of": 3, "ge": -9}),
    "int-huge": (int, {"ge": 2**63, "lt": 10**30}),
    "int-exact": (int, {"ge": 2**53, "le": 2**53 + 1}),
    "int-true": (int, {"ge": True}),
    "bool": (bool, {"ge": 0.5}),
    "decimal": (_Decimal, {"ge": 0.1, "lt": _Decimal("10.5")}),
    "decimal-steps": (_Decimal, {"multiple_of": 0.05, "max_digits": 5}),
    "decimal-places": (_Decimal, {"gt": -0.5, "decimal_places": 1}),
    "int-or-float": (Union[int, float], {"ge": 0.5}),
    "text": (str, {"min_length": 2, "max_length": 3}),
    "text-empty": (str, {"max_length": 0}),
    "text-pattern": (str, {"pattern": r"^\d+(\.\d+)?$", "max_length": 4}),
    "text-order": (str, {"ge": "b", "lt": "d"}),
    "bytes": (bytes, {"min_length": 2, "max_length": 3}),
    "date": (datetime.date, {"gt": datetime.date(2024, 2, 28), "le": datetime.date(2024, 3, 1)}),
    "timedelta": (datetime.timedelta, {"ge": _SECOND, "lt": datetime.timedelta(days=1)}),
}
#: The same bounds by other means than FastAPI's own.
_OTHERS: dict[str, Any] = {
    "interval": Annotated[float, annotated_types.Interval(ge=0.5, lt=1.5)],
    "ge": Annotated[float, annotated_types.Ge(0.5)],
    "multiple": Annotated[float, annotated_types.MultipleOf(0.25)],
    "field": Annotated[float, Field(ge=0.5)],
    "field-twice": Annotated[Annotated[float, Field(ge=0.5)], Field(le=9.5)],
    "confloat": pydantic.confloat(gt=0.5, multiple_of=0.25),
    "condecimal": pydantic.condecimal(gt=_Decimal("0.5"), decimal_places=2),
    "non-negative": pydantic.NonNegativeFloat,
    "inner-optional": Optional[Annotated[float, Field(gt=0.5)]],
    "either": Union[Annotated[int, Field(gt=10)], Annotated[float, Field(lt=0.5)]],
}


def _handler(name: str, annotation: Any, late: bool, *default: Any) -> Callable[..., Any]:
    """A handler with one parameter `v`, a coroutine function if `late`."""

    def plain(v: Any) -> dict[str, Any]:
        count(f"bounds {name}")
        return echo(v=v)

    async def coroutine(v: Any) -> dict[str, Any]:
        count(f"bounds {name}")
        return echo(v=v)

    handler = coroutine if late else plain
    handler.__annotations__ = {"v": annotation, "return": dict[str, Any]}
    handler.__defaults__ = default or None
    return handler


def _add(path: str, annotation: Any, *default: Any) -> None:
    late = len(router.routes) % 2 == 0
    router.add_api_route(path, _handler(path, annotation, late, *default))


for _name, (_type, _options) in BOUNDS.items():
    _add(f"/path/{_name}/{{v}}", Annotated[_type, Path(**_options)])
    _add(f"/query/{_name}", Annotated[_type, Query(**_options)])
    if _type in (float, _Decimal):
        _add(f"/query-optional/{_name}", Annotated[_type | None, Query(**_options)], None)
        _add(f"/header/{_name}", Annotated[_type, Header(**_options)])
        _add(f"/cookie/{_name}", _type, Cookie(0.25, **_options))

for _name, _kind in _OTHERS.items():
    _add(f"/other/{_name}", _kind)

_Ratio = Annotated[float, Query(gt=0.25, lt=0.75)]


@router.get("/many/{item}")
def many(
    item: Annotated[float, Path(gt=0, lt=10.5)],
    low: float = Query(0.1, ge=0.1),
    high: Annotated[float, Query(le=99.5)] = 99.5,
    x_ratio: Annotated[float | None, Header(ge=0.1, le=0.9)] = None,
    weight: float = Cookie(1.5, gt=0.5),
    rates: Annotated[list[Annotated[float, Field(gt=0.5)]], Query(min_length=1, max_length=2)] = [
        1.5
    ],
    wrong: float = Query(0.5, ge=1.5),
):
    """All at once; the last default is out of its bounds, which is not checked."""
    count()
    return echo(
        item=item, low=low, high=high, x_ratio=x_ratio, weight=weight, rates=rates, wrong=wrong
    )


def _ratio(ratio: _Ratio, scale: Annotated[float, Header(ge=0.5)] = 1.5) -> float:
    count()
    return ratio * scale


async def _late_ratio(ratio: _Ratio, base: Annotated[float, Depends(lambda: 0.5)]) -> float:
    count()
    return ratio + base


class _Range:
    """A class whose constructor has bounds."""

    def __init__(self, least: Annotated[float, Query(ge=0.1)] = 0.1, most: float = 1.5) -> None:
        count()
        self.least, self.most = least, most


@router.get("/needs/{limit}")
def needs(
    limit: Annotated[int, Path(ge=0.0)],
    ratio: Annotated[float, Depends(_ratio)],
    span: Annotated[_Range, Depends()],
):
    count()
    return echo(limit=limit, ratio=ratio, least=span.least, most=span.most)


@router.get("/needs-late")
async def needs_late(ratio: Annotated[float, Depends(_late_ratio)], own: _Ratio = 0.5):
    count()
    return echo(ratio=ratio, own=own)
