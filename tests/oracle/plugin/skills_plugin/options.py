"""Every option of `Path`, `Query`, `Header`, `Cookie` and `Body`."""

# ruff: noqa: B008, UP045 - what they find is what is checked here

import datetime
import decimal
import uuid
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional

from fastapi import APIRouter, Body, Cookie, Form, Header, Path, Query
from pydantic import AfterValidator, AliasChoices, Field, WithJsonSchema

from .kinds import Color
from .record import count, echo
from .version import MINOR, accepted

router = APIRouter(prefix="/options")

_Wire = decimal.Decimal
#: The type and the options; each is checked in every place that takes it.
_OPTIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "title": (int, {"title": "A title", "description": "A *description*"}),
    "alias": (int, {"alias": "the-alias"}),
    "alias-upper": (str, {"alias": "The_Alias"}),
    "alias-priority": (int, {"alias": "prior", "alias_priority": 1}),
    "validation-alias": (int, {"validation_alias": "validated"}),
    "validation-and-alias": (int, {"validation_alias": "validated", "alias": "named"}),
    "serialization-alias": (int, {"serialization_alias": "written"}),
    "strict": (int, {"strict": True}),
    "strict-text": (str, {"strict": True}),
    "lax": (int, {"strict": False}),
    "digits": (_Wire, {"max_digits": 4, "decimal_places": 2}),
    "no-nan": (float, {"allow_inf_nan": False}),
    "nan": (float, {"allow_inf_nan": True}),
    "examples": (str, {"examples": ["a", "b"]}),
    "openapi-examples": (str, {"openapi_examples": {"one": {"summary": "One", "value": "a"}}}),
    "deprecated": (int, {"deprecated": True}),
    "deprecated-why": (int, {"deprecated": "no longer"}),
    "hidden": (int, {"include_in_schema": False}),
    "schema-extra": (int, {"json_schema_extra": {"x-own": [1]}}),
    "pattern": (str, {"pattern": "^a+$"}),
    "pattern-flags": (str, {"pattern": r"(?i)^[a-zé]{2,3}$"}),
    "length": (str, {"min_length": 1, "max_length": 3}),
    "multiple": (int, {"multiple_of": 7}),
    "unknown-extra": (int, {"title": "", "description": ""}),
}
if MINOR >= 129:
    _OPTIONS |= {
        "validate-default": (int, accepted(Query, validate_default=True)),
        "union-mode": (int | str, accepted(Query, union_mode="left_to_right")),
        "fail-fast": (list[int], accepted(Query, fail_fast=True)),
    }
_PLACES: dict[str, Callable[..., Any]] = {
    "query": Query,
    "header": Header,
    "cookie": Cookie,
    "body": Body,
    "form": Form,
}


def _handler(name: str, annotation: Any, late: bool, *default: Any) -> Callable[..., Any]:
    def plain(some_v):
        count(f"options {name}")
        return echo(some_v=some_v)

    async def coroutine(some_v):
        count(f"options {name}")
        return echo(some_v=some_v)

    handler = coroutine if late else plain
    handler.__annotations__ = {"some_v": annotation}
    handler.__defaults__ = default or None
    return handler


def _add(place: str, name: str, annotation: Any, *default: Any) -> None:
    methods = ["POST"] if place in ("body", "form") else ["GET"]
    tail = "/{some_v}" if place == "path" else ""
    late = len(router.routes) % 2 == 0
    made = _handler(f"{place} {name}", annotation, late, *default)
    router.add_api_route(f"/{place}/{name}{tail}", made, methods=methods)


for _number, (_name, (_type, _given)) in enumerate(_OPTIONS.items()):
    for _index, (_place, _declare) in enumerate(_PLACES.items()):
        # In the query, and in two of the other places by turns.
        if _place != "query" and (_number + _index) % 4 > 1:
            continue
        if _place == "cookie" and _name == "fail-fast":
            continue
        # Every second one has a default, and is written in the older style.
        if (_number + _index) % 2:
            _add(_place, _name, Annotated[_type, _declare(**_given)])
        else:
            _add(_place, _name, Optional[_type], _declare(None, **_given))
    if "alias" not in _name and _type != list[int]:
        _add("path", _name, Annotated[_type, Path(**accepted(Path, **_given))])


@router.get("/underscores")
def underscores(
    some_header: Annotated[str, Header()] = "-",
    kept_header: Annotated[str, Header(convert_underscores=False)] = "-",
    Upper_Header: Annotated[str, Header()] = "-",
    aliased: Annotated[str, Header(alias="some_alias")] = "-",
    many_values: Annotated[list[str], Header()] = ["-"],  # noqa: B006
):
    count()
    return echo(
        some_header=some_header, kept_header=kept_header, upper=Upper_Header, aliased=aliased,
        many_values=many_values,
    )  # fmt: skip


@router.get("/factories/{item}")
def factories(
    item: Annotated[Literal["a", "b"], Path()],
    ids: Annotated[list[uuid.UUID], Query(default_factory=list)],
    day: Annotated[datetime.date, Header(default_factory=lambda: datetime.date(2024, 2, 29))],
    words: Annotated[set[str], Query(default_factory=lambda: {"x"})],
    session: Annotated[str, Cookie(default_factory=str)],
):
    count()
    return echo(item=item, ids=ids, day=day, words=words, session=session)


@router.get("/nothing")
async def nothing(
    g: Annotated[Any, Query()],
    a: int | None = Query(...),
    b: Annotated[str | None, Query()] = None,
    c: None = None,
    d: list[int] | None = Query(None),
    e: Annotated[bool | None, Header()] = None,
    f: list[int | None] | None = Query(default=[None, 1]),
):
    """What is `None`, may be, or is required all the same."""
    count()
    return echo(a=a, b=b, c=c, d=d, e=e, f=f, g=g)


@router.get("/annotations")
async def annotations(
    a: Annotated[int, "a note", Query(ge=1), {"another": "note"}],
    b: Annotated[int, Query(le=5), Query(ge=2)] = 3,
    c: Annotated[Annotated[int, Field(ge=1)] | None, Query()] = None,
    d: Annotated[int, WithJsonSchema({"type": "string"})] = 1,
    e: Annotated[Annotated[str, Query(alias="inner")], Query(max_length=3)] = "e",
):
    """The last of several declarations counts."""
    count()
    return echo(a=a, b=b, c=c, d=d, e=e)


if MINOR >= 115:

    @router.get("/choices")
    def choices(a: Annotated[int, Query(validation_alias=AliasChoices("first", "second"))] = 0):
        count()
        return echo(a=a)


#: Defaults that are not of their type, each alone: versions differ in what becomes of them.
_DEFAULTS: dict[str, tuple[Any, Any]] = {
    "int-text": (int, "five"),
    "int-digits": (int, "6"),
    "int-beyond": (Annotated[int, Field(le=10)], 99),
    "float-int": (float, 1),
    "float-nan": (float, float("nan")),
    "text-int": (str, 7),
    "bool-int": (bool, 1),
    "enum-value": (Color, "r"),
    "enum-member": (Color, Color.odd),
    "literal-other": (Literal["a", "b"], "c"),
    "date-text": (datetime.date, "2024-01-01"),
    "date": (datetime.date, datetime.date(2024, 1, 1)),
    "optional-text": (Optional[int], "x"),
    "set-list": (set[int], [1, 1]),
    "doubled": (Annotated[int, AfterValidator(lambda value: value * 2)], 2),
}
for _name, (_type, _value) in _DEFAULTS.items():
    _add("default", f"{_name}/query", Annotated[_type, Query()], _value)
    _add("default", f"{_name}/header", _type, Header(_value))
    if _type != set[int]:
        _add("default", f"{_name}/factory", _type, Cookie(default_factory=lambda own=_value: own))
