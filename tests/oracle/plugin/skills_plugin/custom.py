"""Responses of classes of the plugin's own, declared for a route or returned by its handler."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Response
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel
from starlette.background import BackgroundTask

from .record import count

router = APIRouter(prefix="/custom")


class Called(JSONResponse):
    """Sends something else than its body."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        count("custom called")

        async def changed(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-called", b"1")]
            await send(message)

        await super().__call__(scope, receive, changed)


class Enveloped(JSONResponse):
    """Writes by itself, as those over other packages do."""

    media_type = "application/json; charset=utf-8"

    def render(self, content: Any) -> bytes:
        count("custom enveloped")
        return json.dumps({"data": content}, default=repr, separators=(", ", ": ")).encode()


class Latin(PlainTextResponse):
    """Text in another coding."""

    charset = "latin-1"
    media_type = "text/plain"


class Untyped(Response):
    """Has no media type, and writes anything."""

    def render(self, content: Any) -> bytes:
        return repr(content).encode()


class Fixed(JSONResponse):
    """Takes no status from the route."""

    def __init__(self, content: Any = None, status_code: int = 203, **options: Any) -> None:
        super().__init__(content, 203, **{**options, "headers": {"x-fixed": str(status_code)}})


class Headed(JSONResponse):
    """Makes its headers by itself."""

    def init_headers(self, headers: Any = None) -> None:
        super().init_headers({**(headers or {}), "x-init": "1"})
        del self.headers["content-length"]


class Late(StreamingResponse):
    """A stream of what it is given."""

    def __init__(self, content: Any, status_code: int = 200, **options: Any) -> None:
        super().__init__(self._pieces(content), status_code, **options)

    async def _pieces(self, content: Any) -> AsyncIterator[str]:
        yield json.dumps(content, default=repr)
        yield "\n"


class Demanding(Response):
    """Cannot be made by FastAPI."""

    def __init__(self, content: Any, must: int, status_code: int = 200, **options: Any) -> None:
        super().__init__(str(content), status_code, **options)


class Tasked(JSONResponse):
    """Brings a task of its own."""

    def __init__(self, content: Any, status_code: int = 200, **options: Any) -> None:
        task = BackgroundTask(count, "custom task")
        super().__init__(content, status_code, **{**options, "background": task})


class Failing(JSONResponse):
    """Cannot be sent."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("not sent")


class Half(Response):
    """Fails in the middle of its answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("in the middle")


class Item(BaseModel):
    """What is answered."""

    name: str
    note: str | None = None


_CLASSES: dict[str, type[Response]] = {
    each.__name__.lower(): each
    for each in (
        Called, Enveloped, Latin, Untyped, Fixed, Headed, Late, Demanding, Tasked, Failing, Half
    )
}  # fmt: skip


def _sets(response: Response) -> None:
    """Sets what the class of the answer may overwrite."""
    response.headers["x-set"] = "1"
    response.set_cookie("set", "1")


def _handlers(made: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
    def text(name: str = "é"):
        count("custom text")
        return name

    async def item(name: str = "é") -> Any:
        count("custom item")
        return {"name": name, "extra": 1}

    async def returned(name: str = "é"):
        count("custom returned")
        return made(name)

    def tasked(tasks: BackgroundTasks, _: Annotated[None, Depends(_sets)]):
        tasks.add_task(count, "custom background")
        return {"name": "x"}

    def returned_tasked(tasks: BackgroundTasks, _: Annotated[None, Depends(_sets)]):
        tasks.add_task(count, "custom background of returned")
        return made("é", status_code=202)

    return {
        "text": text,
        "item": item,
        "returned": returned,
        "tasked": tasked,
        "returned-tasked": returned_tasked,
    }


for _name, _class in _CLASSES.items():
    for _kind, _handler in _handlers(_class).items():
        _options: dict[str, Any] = {}
        if "returned" not in _kind:
            _options = {"response_class": _class}
        if _kind == "item":
            _options |= {"response_model": Item, "response_model_exclude_unset": True}
        if _kind == "tasked":
            _options |= {"status_code": 201}
        router.add_api_route(f"/{_name}/{_kind}", _handler, methods=["GET", "HEAD"], **_options)


@router.get("/annotated")
async def annotated(name: str = "n") -> Called:
    """A class of a response is no model."""
    count()
    return Called({"name": name})


@router.get("/annotated-wrong")
async def annotated_wrong() -> PlainTextResponse:
    """What is returned is not what was announced."""
    count()
    return {"a": 1}  # type: ignore[return-value]


@router.get("/union", response_model=None)
def union(raw: bool = False) -> Response | dict[str, int]:
    """A response or not."""
    count()
    return Called({"raw": 1}) if raw else {"raw": 0}


@router.get("/mutated")
def mutated(how: str = "body"):
    """A response that is changed after it was made."""
    count()
    response = JSONResponse({"a": 1})
    if how == "body":
        response.body = b'{"b": 2}'
    elif how == "length":
        response.headers["content-length"] = "3"
    elif how == "status":
        response.status_code = 299
    elif how == "raw":
        response.raw_headers = [(b"X-Only", b"1")]
    elif how == "type":
        del response.headers["content-type"]
    return response


@router.get("/missing-file", response_class=FileResponse)
async def missing_file(name: str = "nothing"):
    """A file that is not there fails when it is sent."""
    count()
    return f"/nonexistent/{name}"
