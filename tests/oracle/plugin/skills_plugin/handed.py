"""The request and its like, handed to handlers and dependencies: the same ones, and complete."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Form, Request, Response, UploadFile
from fastapi.requests import HTTPConnection
from pydantic import BaseModel

from .record import count, echo, seen

router = APIRouter(prefix="/handed")


class Handed:
    """What a dependency was handed."""

    def __init__(
        self,
        request: Request,
        connection: HTTPConnection,
        response: Response,
        tasks: BackgroundTasks,
    ) -> None:
        count()
        self.request, self.connection = request, connection
        self.response, self.tasks = response, tasks
        request.state.by = "dependency"
        request.scope["oracle.own"] = [1]


async def _inner(request: Request, handed: Annotated[Handed, Depends()]) -> bool:
    """Whether a dependency of the same request is handed the same."""
    return request is handed.request and request.state is handed.request.state


def _same(handed: Handed, request: Request, inner: bool) -> dict[str, Any]:
    return {
        "inner": inner,
        "request": request is handed.request,
        "connection": handed.connection is request,
        "types": [type(each).__name__ for each in vars(handed).values()],
        "scope": request.scope is handed.connection.scope,
        "state": request.state.by,
        "own": request.scope["oracle.own"],
        "headers": request.headers is handed.request.headers,
    }


@router.get("/same/{item}")
async def same(
    item: int,
    request: Request,
    handed: Annotated[Handed, Depends()],
    inner: Annotated[bool, Depends(_inner)],
    response: Response,
    tasks: BackgroundTasks,
):
    count()
    own = {"response": response is handed.response, "tasks": tasks is handed.tasks}
    return {**_same(handed, request, inner), **own, "item": item}


@router.get("/same-plain/{item}")
def same_plain(
    item: str,
    handed: Annotated[Handed, Depends()],
    inner: Annotated[bool, Depends(_inner)],
    request: Request,
):
    count()
    return {**_same(handed, request, inner), "item": item}


@router.get("/state")
async def state(request: Request):
    """The state is a request's own."""
    count()
    before = getattr(request.state, "mark", None)
    request.state.mark = "set"
    return {"before": before, "after": Request(request.scope).state.mark}


#: Entries of the scope that are the same under every server.
_STABLE = ("type", "http_version", "method", "scheme", "path", "query_string", "path_params",
           "root_path", "app_root_path", "oracle.own")  # fmt: skip


def _scope(request: Request) -> dict[str, Any]:
    scope = request.scope
    return {
        "keys": sorted(key for key in scope if key not in _OF_SERVERS),
        "stable": {key: repr(scope.get(key)) for key in _STABLE},
        "raw": scope["raw_path"].decode("latin-1"),
        "endpoint": scope["endpoint"].__name__,
        "route": [scope["route"].path, scope["route"].name] if "route" in scope else None,
        "app": [type(request.app).__name__, request.app.title, scope["app"] is request.app],
        "url_for": str(request.url_for("scope", item=5)),
        "types": {key: type(scope[key]).__name__ for key in ("headers", "client", "server")},
    }


#: Extensions are the server's; `state` is there where the server has a lifespan.
_OF_SERVERS = ("extensions", "state")


@router.get("/scope/{item}", name="scope")
async def scope(item: int, request: Request):
    count()
    return _scope(request)


def _scope_needed(request: Request) -> dict[str, Any]:
    return _scope(request)


@router.get("/scope-needed/{item}")
def scope_needed(item: float, scope: Annotated[dict, Depends(_scope_needed)]):
    """A dependency sees the same scope; the endpoint is the handler."""
    count()
    return scope


class Item(BaseModel):
    """A body."""

    name: str
    count: int = 1


async def _raw(request: Request) -> bytes:
    count()
    return await request.body()


async def _json(request: Request) -> Any:
    count()
    return await request.json()


async def _pieces(request: Request) -> bytes:
    count()
    return b"".join([piece async for piece in request.stream()])


async def _form(request: Request) -> list[str]:
    count()
    return sorted(await request.form())


#: Ways in which a dependency reads the body.
_READERS = {"raw": _raw, "json": _json, "pieces": _pieces, "form": _form}


def _reading(reader: Any, kind: str) -> Any:
    async def model(read, item: Item, request: Request):
        count("handed model")
        return {**echo(read=read, item=item), "again": seen(await request.body())}

    def plain(read, item: Item):
        count("handed plain")
        return echo(read=read, item=item)

    async def nothing(read, request: Request):
        count("handed nothing")
        return {**echo(read=read), "again": seen(await request.body())}

    async def form(read, request: Request, name: Annotated[str, Form()] = "-"):
        count("handed form")
        return {**echo(read=read, name=name), "again": sorted(await request.form())}

    handler = {"model": model, "plain": plain, "nothing": nothing, "form": form}[kind]
    handler.__annotations__["read"] = Annotated[Any, Depends(reader)]
    return handler


for _name, _reader in _READERS.items():
    for _kind in ("model", "plain", "nothing", "form"):
        router.add_api_route(f"/read/{_name}/{_kind}", _reading(_reader, _kind), methods=["POST"])


@router.post("/after/{how}")
async def after(how: str, item: Item, request: Request):
    """The handler reads the body, though FastAPI did."""
    count()
    reader = _READERS.get(how, _raw)
    return echo(item=item, read=await reader(request))


@router.post("/after-form/{how}")
async def after_form(how: str, request: Request, name: Annotated[str, Form()] = ""):
    """The handler reads the form, though FastAPI did."""
    count()
    reader = _READERS.get(how, _raw)
    return echo(name=name, read=await reader(request))


@router.post("/after-upload")
async def after_upload(data: UploadFile, request: Request):
    """A file of the form is the same in the request, and above a size it is on the disk."""
    count()
    form = await request.form()
    rolled = getattr(data.file, "_rolled", None)
    content = await data.read()
    same = form.get("data") is data
    return {"same": same, "rolled": rolled, "size": len(content), "ends": seen(content[-3:])}


def _real() -> str:
    count()
    return "real"


async def _replacing() -> str:
    count()
    return "replacing"


def _replacing_yield(name: str = "n") -> Iterator[str]:
    yield f"yielded {name}"
    count("handed replacing closed")


@router.get("/override/{how}")
def override(how: str, request: Request):
    """Replaces a dependency for the requests that follow."""
    overrides = request.app.dependency_overrides
    replacing = {"late": _replacing, "yield": _replacing_yield}.get(how)
    if replacing is None:
        overrides.pop(_real, None)
    else:
        overrides[_real] = replacing
    return how


@router.get("/overridden/{kind}")
def overridden(kind: str, value: Annotated[str, Depends(_real)]):
    count()
    return [kind, value]
