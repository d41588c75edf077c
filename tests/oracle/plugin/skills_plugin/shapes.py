"""Bodies of every type that pydantic supports."""

# ruff: noqa: UP007, UP045 - both spellings of unions are checked

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeVar, Union

import pydantic
from fastapi import APIRouter, Body, Depends, Query
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    field_validator,
)
from typing_extensions import NotRequired, TypedDict

from .kinds import Color, Level, Mixed
from .record import count, echo
from .version import accepted

router = APIRouter(prefix="/shapes")

_Value = TypeVar("_Value")


class Cat(BaseModel):
    """One kind of an animal."""

    kind: Literal["cat"]
    lives: Annotated[float, Field(gt=0.5, le=9)] = 9


class Dog(BaseModel):
    """The other kind."""

    kind: Literal["dog"]
    name: str = Field(min_length=1, max_length=5, examples=["Rex"])


class Tree(BaseModel):
    """A model of itself."""

    value: int
    children: list["Tree"] = []


class Box(BaseModel, Generic[_Value]):
    """A generic model."""

    content: _Value
    label: str | None = None


class Aliased(BaseModel):
    """Fields that are called otherwise."""

    model_config = ConfigDict(populate_by_name=True, str_strip_whitespace=True)

    first: int = Field(alias="First")
    second: int = Field(2, validation_alias="2nd", serialization_alias="two")
    third: int = Field(3, validation_alias=AliasChoices("third", AliasPath("all", 2)))


class Camel(BaseModel):
    """Names are made by a function."""

    model_config = ConfigDict(alias_generator=lambda name: name.title(), extra="allow")

    some_name: str
    other: int | None = None


class Frozen(BaseModel):
    """What cannot be changed, and is checked by hand."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    even: int
    when: datetime.datetime = datetime.datetime(2024, 1, 1)

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError(f"{value} is odd")
        return value


class Everything(BaseModel):
    """A field of each type."""

    color: Color
    level: Level = Level.low
    mixed: Mixed = Mixed.number
    day: datetime.date | None = None
    clock: datetime.time | None = None
    span: datetime.timedelta = datetime.timedelta(0)
    id: uuid.UUID | None = None
    price: decimal.Decimal = Field(decimal.Decimal("1.5"), max_digits=4, decimal_places=2)
    raw: bytes = b""
    words: frozenset[str] = frozenset()
    pair: tuple[int, str] = (1, "a")
    many: tuple[float, ...] = ()
    by_level: dict[Level, list[int]] = {}
    either: int | str | None = None
    url: pydantic.AnyUrl | None = None
    secret: pydantic.SecretStr = pydantic.SecretStr("s")
    loose: Any = None


@dataclasses.dataclass
class Point:
    """A dataclass."""

    x: float
    y: float = 0.5
    tags: list[str] = dataclasses.field(default_factory=list)


@pydantic.dataclasses.dataclass(config=ConfigDict(extra="forbid"))
class Checked:
    """A dataclass of pydantic's."""

    a: Annotated[int, Field(ge=1)]
    inner: Point | None = None


class Typed(TypedDict):
    """A typed dict."""

    a: int
    b: NotRequired[str | None]


class Pair(NamedTuple):
    """A named tuple."""

    left: int
    right: str = "r"


class Flag(enum.Flag):
    """Bits."""

    one = 1
    two = 2


class Numbers(RootModel[list[int]]):
    """A model that is a list."""


def _kind(value: Any) -> str:
    return "cat" if isinstance(value, dict) and "lives" in value else "dog"


_Animal = Annotated[Cat | Dog, Field(discriminator="kind")]
_Guessed = Annotated[Annotated[Cat, Tag("cat")] | Annotated[Dog, Tag("dog")], Discriminator(_kind)]
#: Each is a whole body.
SHAPES: dict[str, Any] = {
    "cat": Cat,
    "tree": Tree,
    "box-int": Box[int],
    "box-of-box": Box[Box[list[Cat]]],
    "aliased": Aliased,
    "camel": Camel,
    "frozen": Frozen,
    "everything": Everything,
    "dataclass": Point,
    "checked": Checked,
    "typed": Typed,
    "numbers": Numbers,
    "animal": Annotated[_Animal, Body()],
    "animal-plain": Union[Cat, Dog],
    "animals": list[_Animal],
    "animals-by-name": dict[str, _Animal],
    "guessed": Annotated[_Guessed, Body()],
    "pair": Annotated[Pair, Body()],
    "flag": Annotated[Flag, Body()],
    "set": set[int],
    "frozen-set": frozenset[Color],
    "tuple": Annotated[tuple[int, str, float], Body()],
    "sequence": Sequence[Point],
    "mapping": Mapping[str, float],
    "int-keys": dict[int, list[bool]],
    "optional": Optional[Cat],
    "union": Annotated[int | list[int] | Cat, Body()],
    "literal": Annotated[Literal["a", 1, None], Body()],
    "json": Annotated[pydantic.Json[list[int]], Body()],
    "bytes": Annotated[bytes, Body(max_length=3)],
    "bool": Annotated[bool, Body()],
    "ratio": Annotated[float, Body(gt=0.1, lt=0.9)],
    "date": Annotated[datetime.date, Body()],
    "timedelta": Annotated[datetime.timedelta, Body()],
    "uuid": Annotated[uuid.UUID, Body()],
    "limited": Annotated[list[Annotated[int, Field(ge=1)]], Body(min_length=1, max_length=2)],
    "none": Annotated[None, Body()],
    "embedded-int": Annotated[int, Body(embed=True)],
    "embedded-list": Annotated[list[Cat], Body(embed=True, alias="the-list")],
    "media": Annotated[Cat, Body(media_type="application/vnd.cat+json")],
    "examples": Annotated[Dog, Body(examples=[{"kind": "dog", "name": "Rex"}])],
    "openapi-examples": Annotated[Dog, Body(openapi_examples={"a": {"value": {"kind": "dog"}}})],
}


def _add(path: str, annotation: Any, *default: Any, **options: Any) -> None:
    def plain(v):
        count(f"shapes {path}")
        return echo(v=v)

    async def coroutine(v):
        count(f"shapes {path}")
        return v

    handler: Callable[..., Any] = coroutine if len(router.routes) % 2 else plain
    handler.__annotations__ = {"v": annotation}
    handler.__defaults__ = default or None
    router.add_api_route(path, handler, methods=["POST"], **options)


for _name, _shape in SHAPES.items():
    _add(f"/{_name}", _shape)
_add("/default/cat", Optional[Cat], Body(None))
_add("/default/list", list[int], Body([1]))
_add("/default/factory", Annotated[dict[str, int], Body(default_factory=dict)])
_add("/back/aliased", Aliased, response_model=Aliased)
_add("/back/animal", _Animal, Body(), response_model=_Animal)
_add("/back/typed", Typed, response_model=Typed)
_add("/back/dataclass", Point, response_model=Point)
_add("/back/box", Box[float], response_model=Box[float], response_model_exclude_none=True)
_add("/back/tree", Tree, response_model=Tree, response_model_exclude_unset=True)


def _checked(token: Annotated[str, Body(min_length=1)], level: Annotated[Level, Query()]) -> Any:
    count()
    return [token, level]


@router.put("/needs/{item}")
async def needs(item: int, cat: Cat, more: Annotated[list, Depends(_checked)], flag: bool = False):
    """A dependency takes a field of the body, too."""
    count()
    return echo(item=item, cat=cat, more=more, flag=flag)


@router.delete("/same")
def same(cat: Cat, again: Annotated[Cat | None, Depends(lambda cat: cat)] = None):
    """A handler and its dependency take the same name, one from the body, one from the query."""
    count()
    return echo(cat=cat, again=again)


for _strict in (True, False):
    loose = APIRouter(
        prefix=f"/content-type-{'strict' if _strict else 'loose'}",
        **accepted(APIRouter, strict_content_type=_strict),
    )

    @loose.post("/cat")
    def of_cat(cat: Cat):
        count("shapes content type")
        return echo(cat=cat)

    router.include_router(loose)
