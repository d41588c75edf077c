"""Code of the plugin that runs while parameters and bodies are checked: when, and how often.

A checked text has the request's name before its first dot: validators get nothing else.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Cookie, Depends, Form, Header, HTTPException, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .record import count, echo
from .trace import Key, trace
from .version import MINOR

router = APIRouter(prefix="/traced/validated")


def _checked(place: str, value: Any) -> Any:
    """Traces the check of `value`, which fails as its last piece says."""
    key, _, rest = str(value).partition(".")
    trace(key, place)
    how = rest.rpartition(".")[2]
    if how == "value":
        raise ValueError(f"{place} wrong")
    if how == "assert":
        raise AssertionError(f"{place} not so")
    if how == "custom":
        raise PydanticCustomError("own_type", "own {text}", {"text": place})
    if how == "http":
        raise HTTPException(403, f"from {place}")
    if how == "key":
        raise KeyError(place)
    return value


def _after(place: str) -> AfterValidator:
    return AfterValidator(lambda value: _shown(_checked(place, value)))


def _shown(value: Any) -> Any:
    """Leaves out the request's name, which both servers get, but no two requests."""
    return value.partition(".")[2] if isinstance(value, str) else value


def _wrap(value: Any, handler: Any) -> Any:
    _checked("around", value)
    made = handler(value)
    trace(str(value).partition(".")[0], "around done")
    return made


_Query = Annotated[str, Query(), _after("query")]
_Header = Annotated[str, Header(alias="x-word"), _after("header")]
_Cookie = Annotated[str, Cookie(alias="word"), _after("cookie")]
_Before = Annotated[str, Query(), BeforeValidator(lambda value: _checked("before", value))]
_Around = Annotated[str, Query(), WrapValidator(_wrap)]


class Model(BaseModel):
    """A body whose checks are traced."""

    first: Annotated[str, _after("first")]
    second: str = ""
    third: Annotated[int, Field(ge=0)] = 0
    made: list[str] = Field(default_factory=lambda: count("validated factory") or ["a"])

    @field_validator("second", mode="before")
    @classmethod
    def _of_second(cls, value: Any) -> Any:
        return _checked("second", value)

    @model_validator(mode="before")
    @classmethod
    def _all_before(cls, values: Any) -> Any:
        if isinstance(values, dict):
            trace(str(values.get("second", "")).partition(".")[0], "all before")
        return values

    @model_validator(mode="after")
    def _all_after(self) -> "Model":
        trace(self.second.partition(".")[0], "zall after")
        self.second = _shown(self.second)
        return self


def _needed(key: Key = "", word: _Query = "") -> str:
    trace(key, "needed")
    return word


async def _late_needed(key: Key = "", other: _Header = "") -> str:
    trace(key, "late needed")
    return other


def _yielded(key: Key = "", cookie: _Cookie = "") -> Any:
    trace(key, "yielded")
    try:
        yield cookie
    finally:
        trace(key, "xyielded")


@router.post("/body")
def body(
    model: Model,
    needed: Annotated[str, Depends(_needed)],
    late: Annotated[str, Depends(_late_needed)],
    yielded: Annotated[str, Depends(_yielded)],
    key: Key = "",
    number: Annotated[int, Query(ge=0)] = 0,
):
    """Checks of dependencies, of the handler's own parameters, and of the body, in order."""
    trace(key, "handler")
    return echo(model=model, needed=needed, late=late, yielded=yielded, number=number)


@router.post("/several")
async def several(
    a: Model,
    b: Annotated[str, Body(), _after("body text")],
    yielded: Annotated[str, Depends(_yielded)],
    c: Annotated[int, Body(ge=0)] = 0,
    key: Key = "",
    number: Annotated[int, Query(ge=0)] = 0,
):
    trace(key, "handler")
    return echo(a=a, b=b, c=c, yielded=yielded, number=number)


@router.get("/order/{number}")
async def order(
    number: int,
    before: _Before,
    around: _Around,
    word: _Query,
    x_word: _Header = "",
    cookie: _Cookie = "",
    key: Key = "",
    needed: Annotated[str, Depends(_needed)] = "",
):
    """Places in order: path, query, header, cookie; dependencies first."""
    trace(key, "handler")
    values = (_shown(before), _shown(around), word, x_word, cookie, needed)
    return echo(number=number, values=values)


@router.get("/order-plain/{number}")
def order_plain(
    word: _Query, number: float, x_word: _Header = "", cookie: _Cookie = "", key: Key = ""
):
    """The same without dependencies, which is as simple as a route can be."""
    trace(key, "handler")
    return echo(number=number, values=(word, x_word, cookie))


@router.post("/form")
def form(
    text: Annotated[str, Form(), _after("form")],
    yielded: Annotated[str, Depends(_yielded)],
    number: Annotated[int, Form()] = 0,
    key: Key = "",
):
    trace(key, "handler")
    return echo(text=text, number=number, yielded=yielded)


@router.put("/partial")
async def partial(model: Model, key: Key = ""):
    """Which fields were given."""
    trace(key, "handler")
    return {"set": sorted(model.model_fields_set), "dump": model.model_dump(exclude_unset=True)}


@router.post("/back", response_model=Model)
async def back(model: Model, key: Key = ""):
    """The answer is checked as well."""
    trace(key, "handler")
    return {"first": f"{key}.back.{model.third}", "second": f"{key}.{model.second}"}


if MINOR >= 115:

    class Words(BaseModel):
        """Parameters as a model."""

        word: Annotated[str, _after("model word")] = ""
        number: int = 0

    @router.get("/model")
    async def model_of_query(words: Annotated[Words, Query()], key: Key = "", own: str = ""):
        trace(key, "handler")
        return echo(words=words, own=own)
