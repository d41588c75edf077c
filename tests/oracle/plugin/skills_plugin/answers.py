"""Responses, statuses, headers, cookies, streams."""

import asyncio
import json
import pathlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from starlette.background import BackgroundTask

from .record import count, echo
from .results import Item

router = APIRouter(prefix="/answers")


class Indented(JSONResponse):
    """JSON written in another way."""

    media_type = "application/vnd.indented+json"

    def render(self, content: Any) -> bytes:
        """Indented, all ASCII, NaN allowed."""
        return json.dumps(content, indent=2).encode()


class Shouted(PlainTextResponse):
    """Text written in another way."""

    def render(self, content: Any) -> bytes:
        """In capital letters."""
        return super().render(str(content).upper())


class Own:
    """No subclass of a response, but an ASGI application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
        await send({"type": "http.response.body", "body": b"own"})


def _chunks(count_: int) -> Iterator[str]:
    for number in range(count_):
        yield f"{number} é\n"


async def _late_chunks(count_: int) -> AsyncIterator[bytes]:
    for number in range(count_):
        await asyncio.sleep(0)
        yield b"%d\n" % number


async def _breaks() -> AsyncIterator[bytes]:
    yield b"begun"
    raise RuntimeError("in the middle of a stream")


async def _breaks_at_once() -> AsyncIterator[bytes]:
    raise RuntimeError("before the first piece")
    yield b""


def _cookies(response: Response) -> Response:
    response.set_cookie("a", "1")
    response.set_cookie("b", 'ü / ; , "x"', max_age=60, path="/oracle", httponly=True)
    response.set_cookie("c", "", secure=True, samesite="strict", domain="localhost")
    response.delete_cookie("d")
    return response


def _with_raw(response: Response) -> Response:
    response.headers.append("x-many", "1")
    response.headers.append("X-Many", "2")
    response.headers["x-empty"] = ""
    response.raw_headers.append((b"X-Mixed-Case", b"caf\xe9"))
    return response


#: Whole answers.
ANSWERS: dict[str, Any] = {
    "json": lambda: JSONResponse({"a": [1, 2.0, "é", None]}),
    "json-status": lambda: JSONResponse({"a": 1}, status_code=418, headers={"X-A": "b"}),
    "json-none": lambda: JSONResponse(None),
    "json-nan": lambda: JSONResponse({"a": float("nan")}),
    "json-object": lambda: JSONResponse({"a": object}),
    "json-media": lambda: JSONResponse([], media_type="application/problem+json"),
    "json-type-header": lambda: JSONResponse([], headers={"content-type": "text/x-own"}),
    "json-204": lambda: JSONResponse({"a": 1}, status_code=204),
    "text": lambda: PlainTextResponse("é\n"),
    "text-empty": lambda: PlainTextResponse(),
    "text-bytes": lambda: PlainTextResponse(b"\xff\x00"),
    "text-status": lambda: PlainTextResponse("gone", status_code=410),
    "text-int": lambda: PlainTextResponse(5),
    "html": lambda: HTMLResponse("<p>é</p>", headers={"X-Frame-Options": "DENY"}),
    "raw": lambda: Response(b"\x00\xff"),
    "raw-text": lambda: Response("é", media_type="text/csv"),
    "raw-charset": lambda: Response("é", media_type="text/csv; charset=latin-1"),
    "raw-octets": lambda: Response(b"x", media_type="application/octet-stream"),
    "raw-204": lambda: Response(status_code=204),
    "raw-204-body": lambda: Response(b"x", status_code=204),
    "raw-304": lambda: Response(status_code=304, headers={"etag": '"x"'}),
    "raw-205": lambda: Response(status_code=205),
    "raw-299": lambda: Response("odd", status_code=299),
    "raw-599": lambda: Response("odd", status_code=599),
    "raw-length": lambda: Response("abc", headers={"content-length": "3"}),
    "raw-date": lambda: Response("x", headers={"date": "never", "server": "own", "via": "x"}),
    "redirect": lambda: RedirectResponse("/oracle/elsewhere?a=b c&d=é#f"),
    "redirect-303": lambda: RedirectResponse("http://example.com/ü", status_code=303),
    "headers": lambda: _with_raw(
        Response("x", headers={"X-One": "1", "Cache-Control": "no-store"})
    ),
    "bad-header": lambda: Response("x", headers={"x-snow": "☃"}),
    "cookies": lambda: _cookies(JSONResponse({})),
    "indented": lambda: Indented({"a": "é", "n": float("inf")}),
    "stream": lambda: StreamingResponse(_chunks(5), media_type="text/plain"),
    "stream-late": lambda: StreamingResponse(_late_chunks(5), status_code=206),
    "stream-none": lambda: StreamingResponse(iter(()), headers={"X-S": "1"}),
    "stream-empty": lambda: StreamingResponse(iter([b"", b"a", b"", b"b"])),
    "stream-length": lambda: StreamingResponse(
        iter([b"ab", b"c"]), headers={"content-length": "3"}
    ),
    "stream-long": lambda: StreamingResponse(
        iter([b"x" * 65536] * 20), media_type="text/event-stream"
    ),
    "stream-breaks": lambda: StreamingResponse(_breaks(), media_type="text/plain"),
    "stream-breaks-at-once": lambda: StreamingResponse(_breaks_at_once(), media_type="text/plain"),
    "file": lambda: FileResponse(pathlib.Path(__file__).with_name("manifest.json")),
    "file-named": lambda: FileResponse(__file__, filename="ü.py", media_type="text/x-python"),
    "file-none": lambda: FileResponse("/nonexistent/file"),
    "task": lambda: Response("x", background=BackgroundTask(count, "answers task")),
    "own": lambda: Own(),
}


def _plain(name: str) -> Any:
    def handler():
        count(f"answers {name}")
        return ANSWERS[name]()

    return handler


def _late(name: str) -> Any:
    async def handler() -> Response:
        count(f"answers {name}")
        return ANSWERS[name]()

    return handler


for _name in ANSWERS:
    router.add_api_route(f"/plain/{_name}", _plain(_name), methods=["GET", "HEAD"])
    router.add_api_route(f"/late/{_name}", _late(_name), methods=["GET", "POST"])

#: `response_class`, what is returned.
_CLASSES: dict[str, tuple[type[Response], Any]] = {
    "text": (PlainTextResponse, "é"),
    "text-none": (PlainTextResponse, None),
    "text-int": (PlainTextResponse, 5),
    "text-dict": (PlainTextResponse, {"a": 1}),
    "html": (HTMLResponse, "<b>"),
    "raw": (Response, "x"),
    "raw-bytes": (Response, b"x"),
    "raw-dict": (Response, {"a": 1}),
    "redirect": (RedirectResponse, "/oracle/a b"),
    "stream": (StreamingResponse, ["a", "b"]),
    "indented": (Indented, {"a": [1, "é"]}),
    "shouted": (Shouted, "abc"),
    "json": (JSONResponse, {"é": 1}),
    "file": (FileResponse, str(pathlib.Path(__file__).with_name("manifest.json"))),
}


def _value(name: str, value: Any) -> Any:
    def handler():
        count(f"class {name}")
        return value

    return handler


for _name, (_class, _returned) in _CLASSES.items():
    router.add_api_route(f"/class/{_name}", _value(_name, _returned), response_class=_class)
    router.add_api_route(
        f"/class-202/{_name}", _value(_name, _returned), response_class=_class, status_code=202
    )

indented = APIRouter(prefix="/indented", default_response_class=Indented)


@indented.get("/dict")
def indented_dict(a: int = 1):
    count()
    return echo(a=a)


@indented.get("/item")
def indented_item() -> Item:
    count()
    return Item(name="é")


router.include_router(indented)

for _status in (200, 201, 202, 203, 204, 205, 206, 299, 304, 400, 418, 500):
    router.add_api_route(
        f"/status/{_status}",
        _value("status", {"a": 1}),
        status_code=_status,
        methods=["GET", "POST"],
    )
    router.add_api_route(f"/status-none/{_status}", _value("status", None), status_code=_status)


@router.get("/injected")
def injected(response: Response, status: int | None = None, name: str = "x-a", value: str = "b"):
    """Headers, status and cookies through the parameter."""
    count()
    response.headers[name] = value
    response.headers.append("x-many", "1")
    response.headers.append("x-many", "2")
    if status is not None:
        response.status_code = status
    _cookies(response)
    return {"status": status}


@router.get("/injected-late", status_code=201)
async def injected_late(response: Response, status: int = 0):
    count()
    response.headers["content-type"] = "text/x-own"
    if status:
        response.status_code = status
    return {"status": status}


@router.get("/injected-and-returned")
async def injected_and_returned(response: Response):
    """What is set on the parameter is lost when another response is returned."""
    count()
    response.headers["x-lost"] = "1"
    response.status_code = 418
    return JSONResponse({"a": 1})


@router.get("/injected-and-raised")
def injected_and_raised(response: Response):
    count()
    response.headers["x-lost"] = "1"
    raise RuntimeError("after a header was set")


@router.get("/cookie-value")
def cookie_value(response: Response, key: str = "k", value: str = "v"):
    count()
    response.set_cookie(key, value)
    return Response("own") if value == "own" else None
