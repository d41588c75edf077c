"""Parameters that are the request, the answer and their like, in handlers and dependencies."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Annotated, Any, Optional

from fastapi import APIRouter, BackgroundTasks, Depends, Header, Request, Response
from fastapi.concurrency import (
    contextmanager_in_threadpool,
    iterate_in_threadpool,
    run_in_threadpool,
)
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .record import count, echo, seen

router = APIRouter(prefix="/specials")


@router.get("/connection/{item}")
async def connection(item: int, connection: HTTPConnection):
    """What both an HTTP request and a WebSocket have."""
    count()
    return {
        "url": str(connection.url),
        "item": seen(item),
        "params": seen(connection.path_params),
        "query": connection.query_params.multi_items(),
        "cookies": connection.cookies,
        "same": connection["type"],
        "for": str(connection.url_for("connection", item=7)),
    }


class OwnRequest(Request):
    """A request of a class of its own, which is annotated but not made."""


@router.get("/own-request")
def own_request(request: OwnRequest):
    count()
    return type(request).__name__


@router.get("/optional-request")
async def optional_request(request: Request = None, response: Response = None):  # type: ignore[assignment]
    """The older way to leave them out in calls by hand."""
    count()
    response.headers["x-kind"] = type(response).__name__
    return request.method


class _Marks:
    """A class that needs the request and the answer."""

    def __init__(self, request: Request, response: Response, tasks: BackgroundTasks) -> None:
        count()
        self.path = request.url.path
        self.same = response
        response.headers.append("x-mark", "class")
        response.set_cookie("marked", "1")
        response.status_code = 203
        tasks.add_task(count, "specials task of the class")


def _also(response: Response, marks: Annotated[_Marks, Depends()]) -> bool:
    response.headers.append("x-mark", "function")
    return marks.same is response


@router.get("/marks", status_code=201)
def marks(
    marks: Annotated[_Marks, Depends()],
    same: Annotated[bool, Depends(_also)],
    response: Response,
    status: int | None = None,
):
    """Headers, cookies and tasks of dependencies come together; the last status counts."""
    count()
    response.headers.append("x-mark", "handler")
    if status:
        response.status_code = status
    return {"path": marks.path, "same": same, "own": marks.same is response}


@router.get("/marks-returned", status_code=201)
async def marks_returned(marks: Annotated[_Marks, Depends()], tasks: BackgroundTasks):
    """Tasks run after an answer that is made by hand, too; headers are lost."""
    count()
    tasks.add_task(count, "specials task of the handler")
    return JSONResponse({"path": marks.path})


@router.get("/marks-modelled", response_model=dict[str, int])
def marks_modelled(marks: Annotated[_Marks, Depends()]):
    count()
    return {"a": 1}


@router.get("/scope")
async def scope(request: Request, x_own: Annotated[str | None, Header()] = None):
    """Which keys the scope has, as far as the server decides it."""
    count()
    route = request.scope.get("route")
    return {
        "own": x_own,
        "type": request.scope["type"],
        "asgi": sorted(request.scope["asgi"]),
        "route": [getattr(route, name, None) for name in ("path", "name", "methods")][:2],
        "app": type(request.app).__name__,
        "title": request.app.title,
        "server": sorted(map(type, request.scope["server"] or ()), key=repr) == [int, str],
        "port": request.url.port == request.scope["server"][1],
        "disconnected": await request.is_disconnected(),
    }


@router.post("/body-twice")
async def body_twice(request: Request):
    """The body is kept for a second reader."""
    count()
    first = await request.body()
    second = await request.body()
    pieces = [piece async for piece in request.stream()]
    return {"same": first == second, "again": seen(b"".join(pieces)), "body": seen(first)}


async def _body(request: Request) -> bytes:
    count()
    return await request.body()


@router.post("/body-needed")
async def body_needed(raw: Annotated[bytes, Depends(_body)], values: dict[str, Any]):
    """A dependency reads the body as bytes, the handler as JSON."""
    count()
    return echo(raw=raw, values=values)


@router.post("/disconnect")
async def disconnect(request: Request):
    """What follows the body is not there until the client goes."""
    count()
    message = await request.receive()
    try:
        late = await asyncio.wait_for(request.receive(), 0.01)
    except asyncio.TimeoutError:
        return {"type": message["type"], "late": None}
    return {"type": message["type"], "late": late["type"]}


#: What only a middleware or the server gives, or FastAPI has beside.
_EXTRAS: dict[str, Callable[[Request], Any]] = {
    "session": lambda request: request.session,
    "auth": lambda request: request.auth,
    "user": lambda request: request.user,
    "state": lambda request: request.state.nothing,
    "key": lambda request: request["nothing"],
    "url-for": lambda request: str(request.url_for("nothing")),
    "app-url": lambda request: str(request.app.url_path_for("extras", name="x")),
    "iterating": lambda request: [name for name in request if name == "method"],
}


@router.get("/extras/{name}", name="extras")
async def extras(name: str, request: Request):
    count()
    return _EXTRAS[name](request) if name in _EXTRAS else sorted(_EXTRAS)


@router.get("/threads")
async def threads(number: int = 2):
    """What FastAPI has for work in threads."""
    count()
    made = [item async for item in iterate_in_threadpool(iter(range(min(number, 5))))]
    async with contextmanager_in_threadpool(contextlib.nullcontext("entered")) as entered:
        return {"made": made, "entered": entered, "ran": await run_in_threadpool(max, 1, number)}


@router.get("/pushed")
async def pushed(request: Request):
    """A server that cannot push does nothing."""
    count()
    await request.send_push_promise("/oracle/x")
    return "pushed"


class Encoded(BaseModel):
    """A model to encode."""

    model_config = ConfigDict(populate_by_name=True)

    some_name: int = Field(1, alias="someName")
    ratio: float | None = None
    inner: Optional["Encoded"] = None


_MODEL = Encoded(someName=2, inner=Encoded())
#: Options of the encoder.
_ENCODED: dict[str, Callable[[], Any]] = {
    "plain": lambda: jsonable_encoder(_MODEL),
    "by-name": lambda: jsonable_encoder(_MODEL, by_alias=False),
    "include": lambda: jsonable_encoder(_MODEL, include={"ratio", "inner"}),
    "exclude": lambda: jsonable_encoder(_MODEL, exclude={"inner"}),
    "unset": lambda: jsonable_encoder(_MODEL, exclude_unset=True),
    "defaults": lambda: jsonable_encoder(_MODEL, exclude_defaults=True),
    "none": lambda: jsonable_encoder({"a": None, "m": _MODEL}, exclude_none=True),
    "custom": lambda: jsonable_encoder([1.5, {"a": 2.5}], custom_encoder={float: str}),
    "sqlalchemy": lambda: jsonable_encoder({"_sa_x": 1, "b": 2}, sqlalchemy_safe=False),
    "dict-include": lambda: jsonable_encoder({"a": 1, "b": 2}, include={"a"}),
}


def _encoded(name: str) -> Any:
    def handler():
        count(f"specials encoded {name}")
        return _ENCODED[name]()

    return handler


for _name in _ENCODED:
    router.add_api_route(f"/encoded/{_name}", _encoded(_name))


class Refused(ValueError):
    """A `ValueError` with no handler."""


def _validation() -> Exception:
    try:
        Encoded.model_validate({"someName": "x", "ratio": []})
    except ValidationError as error:
        return error
    raise AssertionError("it is wrong")


_ERRORS: dict[str, Callable[[], Exception]] = {
    "request": lambda: RequestValidationError([], body={"a": 1}),
    "request-model": lambda: RequestValidationError(_validation().errors()),  # type: ignore[attr-defined]
    "response": lambda: ResponseValidationError([{"loc": ["response"], "msg": "own"}]),
    "pydantic": _validation,
    "own": lambda: Refused("own"),
    "os": lambda: PermissionError(13, "not yours", "/x"),
}


async def _raises(error: str = "") -> None:
    if error in _ERRORS:
        raise _ERRORS[error]()


def _raises_plain(plain_error: str = "") -> None:
    if plain_error in _ERRORS:
        raise _ERRORS[plain_error]()


@router.get("/raised/{name}", dependencies=[Depends(_raises)])
async def raised(name: str):
    """What is raised by hand, here or in the dependency."""
    count()
    await _raises(name)
    return name


@router.get("/raised-plain/{name}", dependencies=[Depends(_raises_plain)])
def raised_plain(name: str):
    count()
    _raises_plain(name)
    return name
