"""Every way to declare a parameter."""

# ruff: noqa: B006, B008, UP006, UP007, UP035, UP045 - what they find is what is checked here

from __future__ import annotations

import collections
import datetime
import decimal
import uuid
from collections.abc import Sequence
from typing import Annotated, Any, List, Literal, Optional, Set, Tuple, Union

from fastapi import APIRouter, Body, Cookie, Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from .kinds import Color, Level
from .record import count, echo
from .version import MINOR

router = APIRouter(prefix="/styles")


@router.get("/bare")
def bare(a, b=1, c=None, d="x"):
    count()
    return echo(a=a, b=b, c=c, d=d)


@router.get("/old-names")
def old_names(
    a: Optional[int] = None,
    b: Union[float, None] = 0.5,
    c: List[int] = Query([]),
    d: Optional[List[str]] = Query(None),
) -> dict:
    count()
    return echo(a=a, b=b, c=c, d=d)


@router.get("/collections")
async def collected(
    a: Set[int] = Query(set()),
    b: frozenset[str] = Query(frozenset()),
    c: tuple[int, ...] = Query(()),
    d: Tuple[int, str] = Query((1, "x")),
    e: Sequence[float] = Query([1.5]),
    f: collections.deque[int] = Query(collections.deque()),
    g: list = Query([]),
    h: set[Color] = Query(set()),
):
    count()
    return echo(a=a, b=b, c=c, d=d, e=e, f=f, g=g, h=h)


@router.get("/default-style/{item}")
def default_style(
    item: int = Path(..., ge=0, le=100, title="Item"),
    low: int = Query(5, ge=1, lt=10),
    ratio: float = Query(0.5, gt=0, lt=1),
    step: int = Query(0, multiple_of=5),
    part: float = Query(0, multiple_of=0.1),
    name: str = Query("abc", min_length=2, max_length=4),
    code: str = Query("a1", pattern="^[a-z][0-9]$"),
    loose: str = Query("b", pattern="[a-z]"),
    exact: Optional[decimal.Decimal] = Query(None, max_digits=5, decimal_places=2, gt=0),
    many: list[int] = Query([1], min_length=1, max_length=3, alias="many[]"),
):
    count()
    return echo(
        item=item, low=low, ratio=ratio, step=step, part=part, name=name, code=code, loose=loose,
        exact=exact, many=many,
    )  # fmt: skip


@router.get("/annotated/{item}")
async def annotated(
    item: Annotated[str, Path(min_length=2, pattern=r"^\w+$")],
    needed: Annotated[int, Query(alias="needed-value", description="Has to be there")],
    limit: Annotated[int, Query(ge=1, le=50, alias="maxResults")] = 10,
    sure: Annotated[bool, Query()] = False,
    tags: Annotated[list[Annotated[str, Field(max_length=3)]], Query(alias="tag")] = [],
    old: Annotated[Optional[str], Query(deprecated=True)] = None,
    hidden: Annotated[Optional[int], Query(include_in_schema=False)] = None,
    since: Annotated[Optional[datetime.date], Query()] = datetime.date(2024, 2, 29),
):
    count()
    return echo(
        item=item, needed=needed, limit=limit, sure=sure, tags=tags, old=old, hidden=hidden,
        since=since,
    )  # fmt: skip


@router.get("/wrong-defaults")
def wrong_defaults(
    a: int = "five",  # type: ignore[assignment]
    b: int = Query("6"),
    c: str = 7,  # type: ignore[assignment]
    d: bool = None,  # type: ignore[assignment]  # noqa: RUF013
    e: Color = "r",  # type: ignore[assignment]
    f: list[int] = Query("x"),
    g: int = Query(99, le=10),
    h: float = 1,
    i: Annotated[datetime.date, Query()] = "2024-01-01",  # type: ignore[assignment]
):
    """Defaults are not validated."""
    count()
    return echo(a=a, b=b, c=c, d=d, e=e, f=f, g=g, h=h, i=i)


@router.get("/mutable-defaults")
def mutable_defaults(
    a: Annotated[list[int], Query()] = [1, 2],
    b: Annotated[set[str], Query()] = {"x"},
    c: Annotated[list[Any] | None, Query()] = [[1], {"k": []}],
):
    """A handler that changes a default must not change it for the next request."""
    count()
    a.append(3)
    b.add("y")
    if c:
        c[0] = [*c[0], 2] if isinstance(c[0], list) else c[0]
    return echo(a=a, b=b, c=c)


@router.get("/factories")
async def factories(
    a: Annotated[list[int], Query(default_factory=list)],
    b: Annotated[str, Query(default_factory=lambda: "made")],
) -> Any:
    count()
    a.append(1)
    return echo(a=a, b=b)


@router.get("/headers")
def headers(
    user_agent: str | None = Header(None),
    x_token: list[str] | None = Header(None),
    x_number: int = Header(1, ge=0),
    x_under: str = Header("none", convert_underscores=False),
    odd: str | None = Header(None, alias="X.Odd~Name"),
    host: str = Header(),
    content_type: str | None = Header(None),
    content_length: int | None = Header(None),
    accept: str = Header("nothing"),
    when: datetime.datetime | None = Header(None),
    cookie: str | None = Header(None),
):
    count()
    return echo(
        user_agent=user_agent, x_token=x_token, x_number=x_number, x_under=x_under, odd=odd,
        host=host, content_type=content_type, content_length=content_length, accept=accept,
        when=when, cookie=cookie,
    )  # fmt: skip


@router.get("/cookies")
async def cookies(
    session: str | None = Cookie(None),
    visits: int = Cookie(0, ge=0),
    dark_mode: bool = Cookie(False),
    odd: str | None = Cookie(None, alias="odd.name"),
):
    count()
    return echo(session=session, visits=visits, dark_mode=dark_mode, odd=odd)


@router.get("/same-name/{v}")
def same_name(
    v: str,
    q: Annotated[str | None, Query(alias="v")] = None,
    again: Annotated[int | None, Query(alias="v")] = None,
    h: Annotated[str | None, Header(alias="v")] = None,
    c: Annotated[str | None, Cookie(alias="v")] = None,
):
    """One name in four places."""
    count()
    return echo(v=v, q=q, again=again, h=h, c=c)


@router.get("/odd-names")
def odd_names(
    self: int = 0,
    request_: str = "",
    schema: str = Query("", alias="ünï/ &=+%"),
    dots: str = Query("", alias="a.b[c]"),
    empty: str = Query("none", alias=""),
    *,
    _private: int = 0,
    keyword: Annotated[bool, Query()] = False,
    von: str = Query("", alias="from"),
):
    count()
    return echo(
        self=self, request_=request_, schema=schema, dots=dots, empty=empty, _private=_private,
        keyword=keyword, von=von,
    )  # fmt: skip


@router.get("/rest")
def rest(*args, **kwargs):
    """FastAPI takes both for required parameters, and then cannot pass `args`."""
    count()
    return [args, kwargs]


@router.get("/keyword-rest")
def keyword_rest(a: int, **kwargs: Any):
    count()
    return echo(a=a, kwargs=kwargs)


@router.get("/positional-only")
def positional_only(a: int = 1, /, b: int = 2):
    """FastAPI calls with keywords, so this fails at run time."""
    count()
    return echo(a=a, b=b)


@router.get("/unused/{a}/{b}")
def unused(b: int):
    """A path parameter without a function parameter."""
    count()
    return echo(b=b)


@router.get("/mixed/{kind}/{number}", include_in_schema=False)
async def mixed(
    kind: Color,
    number: float,
    level: Level,
    x_trace: Annotated[uuid.UUID, Header()],
    word: Literal["a", "b"] = "a",
    span: datetime.timedelta = datetime.timedelta(seconds=1),
    session: Annotated[str | None, Cookie()] = None,
) -> dict[str, Any]:
    count()
    return echo(
        kind=kind, number=number, level=level, x_trace=x_trace, word=word, span=span,
        session=session,
    )  # fmt: skip


@router.get("/get-with-body")
def get_with_body(a: int = 1, b: int | None = Body(None)):
    count()
    return echo(a=a, b=b)


class Filter(BaseModel):
    """Parameters of a query as a model."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(10, ge=1, le=100)
    order: Literal["up", "down"] = "up"
    tags: list[str] = []
    since: datetime.date | None = None


class Trace(BaseModel):
    """Headers or cookies as a model."""

    x_token: list[int] = []
    session: str | None = None


if MINOR >= 115:

    @router.get("/cookie-list")
    def cookie_list(many: Annotated[list[int], Cookie()] = []):
        count()
        return echo(many=many)

    @router.get("/query-model")
    def query_model(v: Annotated[Filter, Query()]):
        count()
        return echo(v=v)

    @router.get("/header-model")
    async def header_model(v: Annotated[Trace, Header()]):
        count()
        return echo(v=v)

    @router.get("/cookie-model")
    async def cookie_model(v: Annotated[Trace, Cookie()]):
        count()
        return echo(v=v)
