"""Models of parameters: fields of a model that are parameters of their own."""

import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import APIRouter, Cookie, Depends, Form, Header, Query, UploadFile
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator, model_validator

from .record import count, echo
from .version import MINOR

router = APIRouter(prefix="/models")


class Filter(BaseModel):
    """Fields of every kind."""

    limit: Annotated[int, Field(ge=1, le=100)] = 10
    ratio: float = Field(0.5, gt=0.1, lt=0.9)
    order: Literal["up", "down"] = "up"
    tags: list[str] = []
    ids: set[int] = Field(default_factory=set)
    since: datetime.date | None = None
    max_results: int = Field(5, alias="maxResults")

    @field_validator("order", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value


class Needed(BaseModel):
    """Fields that must be there, and what is not known must not."""

    model_config = ConfigDict(extra="forbid")

    a: int
    b: str = Field(min_length=1)

    @model_validator(mode="after")
    def _differ(self) -> "Needed":
        if str(self.a) == self.b:
            raise ValueError("a and b are the same")
        return self


class Open(BaseModel):
    """Keeps what is not known."""

    model_config = ConfigDict(extra="allow")

    a: int = 0


class Named(BaseModel):
    """Fields whose names differ from the attributes'."""

    model_config = ConfigDict(populate_by_name=True)

    some_name: str = Field("-", alias="someName")
    other: str = Field("-", validation_alias="the-other")
    either: str = Field("-", validation_alias=AliasChoices("one", "two"))
    plain_name: list[int] | None = None


class Token(BaseModel):
    """Headers and cookies."""

    x_token: str = "-"
    x_many: list[int] = []
    accept: str = "-"
    session: str | None = None


_Value = TypeVar("_Value")


class Page(BaseModel, Generic[_Value]):
    """A generic model."""

    start: _Value
    end: _Value | None = None


class Cat(BaseModel):
    """One kind."""

    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    """The other kind."""

    kind: Literal["dog"]
    name: str


class Upload(BaseModel):
    """A form with a file."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    title: str
    data: UploadFile


def _add(path: str, annotation: Any, *default: Any, method: str = "GET") -> None:
    late = len(router.routes) % 2 == 0

    def plain(v):
        count(f"models {path}")
        return echo(v=v)

    async def coroutine(v):
        count(f"models {path}")
        return echo(v=v)

    handler = coroutine if late else plain
    handler.__annotations__ = {"v": annotation}
    handler.__defaults__ = default or None
    router.add_api_route(path, handler, methods=[method])


if MINOR >= 115:
    for _name, _model in {"filter": Filter, "needed": Needed, "open": Open, "named": Named}.items():
        _add(f"/query/{_name}", Annotated[_model, Query()])
        _add(f"/cookie/{_name}", Annotated[_model, Cookie()])
        _add(f"/form/{_name}", Annotated[_model, Form()], method="POST")
    _add("/header/token", Annotated[Token, Header()])
    _add("/header/named", Annotated[Named, Header()])
    _add("/header/needed", Annotated[Needed, Header()])
    _add("/header/underscores", Annotated[Token, Header(convert_underscores=False)])
    _add("/cookie/token", Annotated[Token, Cookie()])
    _add("/query/page", Annotated[Page[int], Query()])
    _add("/query/dates", Annotated[Page[datetime.date], Query()])
    _add("/query/default", Filter, Query(Filter(limit=7)))

    @router.get("/needs")
    def needs(v: Annotated[Filter, Depends()], own: Annotated[int, Query()] = 1):
        """A model as a class dependency: its constructor's parameters are the request's."""
        count()
        return echo(v=v, own=own)


if MINOR >= 160:
    _add("/query/optional", Annotated[Needed | None, Query()], None)
    _add("/form/optional", Annotated[Needed | None, Form()], None, method="POST")
    _Animal = Annotated[Cat | Dog | None, Form(discriminator="kind")]
    _add("/form/kinds", _Animal, None, method="POST")
    _add("/form/upload", Annotated[Upload, Form()], method="POST")

    @router.get("/several")
    async def several(
        page: Annotated[Page[int], Query()],
        filters: Annotated[Filter, Query()],
        token: Annotated[Token, Header()],
        q: str = "",
        session: Annotated[str | None, Cookie()] = None,
    ):
        count()
        return echo(page=page, filters=filters, token=token, q=q, session=session)

    @router.post("/several")
    def several_forms(
        page: Annotated[Page[int], Form()],
        named: Annotated[Named, Form()],
        note: Annotated[str, Form()] = "",
    ):
        count()
        return echo(page=page, named=named, note=note)
