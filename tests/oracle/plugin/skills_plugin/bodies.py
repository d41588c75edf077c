"""JSON, forms, files and raw requests."""

import datetime
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, File, Form, Header, Query, Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from .kinds import Color, Level
from .record import count, echo, seen
from .version import MINOR

router = APIRouter(prefix="/bodies")


class Part(BaseModel):
    """A model in a model."""

    id: uuid.UUID | int
    note: str = ""


class Order(BaseModel):
    """A model of all kinds."""

    item: str = Field(min_length=1)
    count: int = Field(1, ge=1, le=99)
    price: float | None = None
    gift: bool = False
    color: Color = Color.red
    level: Level = Level.low
    when: datetime.datetime | None = None
    max_results: int = Field(5, alias="maxResults")
    parts: list[Part] = []
    extra: dict[str, int] = {}


class Strict(BaseModel):
    """A model that takes nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)

    a: int
    b: Literal["x", "y"] = "x"


@router.post("/model", status_code=201)
def model(order: Order):
    count()
    return echo(order=order)


@router.put("/model")
async def model_back(order: Order) -> Order:
    count()
    return order


@router.patch("/model-optional/{key}")
async def model_optional(key: int, order: Order | None = None, q: Annotated[int, Query()] = 0):
    count()
    return echo(key=key, order=order, q=q)


@router.post("/strict")
async def strict(body: Strict):
    count()
    return echo(body=body)


@router.post("/embed")
def embed(order: Annotated[Strict, Body(embed=True)]):
    count()
    return echo(order=order)


@router.post("/several")
async def several(
    order: Strict,
    number: Annotated[int, Body(ge=0)],
    words: Annotated[list[str], Body()] = [],  # noqa: B006
    x_token: Annotated[str | None, Header()] = None,
):
    count()
    return echo(order=order, number=number, words=words, x_token=x_token)


@router.post("/list")
def of_list(body: list[int]):
    count()
    return echo(body=body)


@router.post("/dict")
async def of_dict(body: dict[str, Any]):
    count()
    return body


@router.post("/any")
async def of_any(body: Annotated[Any, Body()] = None):
    count()
    return echo(body=body)


@router.post("/text")
def of_text(body: Annotated[str, Body(media_type="text/plain")]):
    count()
    return echo(body=body)


@router.post("/number")
def of_number(body: Annotated[float, Body()]):
    count()
    return echo(body=body)


@router.post("/form")
def form(
    name: Annotated[str, Form()],
    number: Annotated[int, Form(ge=0)] = 1,
    tags: Annotated[list[str], Form()] = [],  # noqa: B006
    agree: Annotated[bool | None, Form()] = None,
    q: str = "",
):
    count()
    return echo(name=name, number=number, tags=tags, agree=agree, q=q)


@router.post("/file")
async def file(
    data: Annotated[UploadFile, File()],
    raw: Annotated[bytes | None, File()] = None,
    note: Annotated[str, Form()] = "",
):
    count()
    content = await data.read()
    names = {"name": data.filename, "type": data.content_type, "size": data.size}
    return {**names, **echo(content=content, raw=raw, note=note)}


@router.api_route("/request", methods=["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
async def request(request: Request):
    """Everything of the request that does not differ from connection to connection."""
    count()
    return _seen(request, await request.body())


@router.get("/request/{rest:path}")
def request_path(request: Request, rest: str, v: list[str] = Query([])):  # noqa: B008
    count()
    return {**_seen(request, b""), **echo(rest=rest, v=v)}


@router.post("/stream")
async def stream(request: Request):
    count()
    pieces = [piece async for piece in request.stream()]
    return {"whole": seen(b"".join(pieces))}


@router.post("/json")
async def own_json(request: Request):
    count()
    return echo(body=await request.json())


@router.post("/unread")
async def unread(request: Request, a: int = 0):
    """An unread body must not end up in the next request."""
    count()
    return echo(a=a)


@router.post("/unread-plain")
def unread_plain(a: int = 0):
    count()
    return echo(a=a)


def _seen(request: Request, body: bytes) -> dict[str, Any]:
    scope = request.scope
    return {
        "method": request.method,
        "url": str(request.url),
        "base": str(request.base_url),
        "path": scope["path"],
        "root": scope.get("root_path"),
        "raw_path": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "scheme": scope["scheme"],
        "version": scope["http_version"],
        "type": scope["type"],
        "params": seen(dict(request.path_params)),
        "pairs": request.query_params.multi_items(),
        "cookies": dict(request.cookies),
        "headers": sorted(
            [name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]
        ),
        "client": request.client.host if request.client else None,
        "body": seen(body),
        "url_for": str(request.url_for("request_path", rest="a b/ü")),
        "state": seen(getattr(request.state, "nothing", None)),
        "route": getattr(scope.get("route"), "path", None),
        "endpoint": getattr(scope.get("endpoint"), "__name__", None),
    }


if MINOR >= 113:

    class Login(BaseModel):
        """A form as a model."""

        user: str
        age: int = 0

    @router.post("/form-model")
    async def form_model(login: Annotated[Login, Form()]):
        count()
        return echo(login=login)
