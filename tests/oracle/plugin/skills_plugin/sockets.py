"""WebSockets: everything a handler can do with one, and a record of what it got."""

import asyncio
import collections
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import (
    APIRouter,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Path,
    Query,
    WebSocket,
    WebSocketDisconnect,
    WebSocketException,
)
from fastapi.exceptions import ValidationException
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.endpoints import WebSocketEndpoint

from .record import seen

router = APIRouter(prefix="/sockets")

_notes: dict[str, list[Any]] = collections.defaultdict(list)


@router.get("/seen")
async def noted(key: str) -> list[Any]:
    """What the handlers of one conversation noted."""
    return _notes.get(key, [])


class _Notes:
    """Notes of one conversation; ends with `end` however its handler does."""

    def __init__(self, socket: WebSocket) -> None:
        self._own = _notes[socket.query_params["key"]]

    def __call__(self, *what: Any) -> None:
        self._own.append(list(what))

    def __enter__(self) -> "_Notes":
        return self

    def __exit__(self, kind: Any, error: Any, _: object) -> None:
        if kind is not None:
            self("raised", *_shown(error))
        self("end")


def _shown(error: BaseException) -> list[Any]:
    named = type(error).__name__
    if isinstance(error, WebSocketDisconnect):
        return [named, error.code, error.reason]
    if isinstance(error, ValidationException):
        return [named, list(error.errors())]
    return [named, str(error)]


@router.websocket("/echo")
async def echo(socket: WebSocket) -> None:
    """Sends back each message, raw."""
    with _Notes(socket) as note:
        await socket.accept()
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                note("disconnect", message["code"], message.get("reason") or "")
                return
            note(sorted(message), len(message.get("text") or message.get("bytes") or ""))
            if message.get("text") is not None:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])


@router.websocket("/iterate/{kind}")
async def iterate(socket: WebSocket, kind: str) -> None:
    """Sends back each message, by the iterator of its kind."""
    with _Notes(socket) as note:
        await socket.accept()
        if kind == "text":
            async for text in socket.iter_text():
                await socket.send_text(text)
        elif kind == "bytes":
            async for data in socket.iter_bytes():
                await socket.send_bytes(data)
        else:
            async for value in socket.iter_json():
                await socket.send_json(value, mode=kind)
        note("iterated")


@router.websocket("/raw")
async def raw(socket: WebSocket, script: str) -> None:
    """Plays a script of ASGI: sends messages, receives, raises; notes what comes of each step."""
    with _Notes(socket) as note:
        for step in json.loads(script):
            try:
                if step == "receive":
                    note(dict(await socket._receive()))
                elif step == "raise":
                    raise ValueError("as asked")
                elif step == "exit":
                    raise asyncio.CancelledError
                elif isinstance(step, dict):
                    if "hex" in step:
                        step["bytes"] = bytes.fromhex(step.pop("hex"))
                    if "headers" in step:
                        step["headers"] = [(n.encode(), v.encode()) for n, v in step["headers"]]
                    if "body" in step:
                        step["body"] = step["body"].encode()
                    await socket._send(step)
                    note("sent")
            except ValueError:
                raise
            except (RuntimeError, OSError) as error:
                note("error", isinstance(error, OSError), str(error))


@router.websocket("/scope")
async def scope(socket: WebSocket) -> None:
    """Sends what the scope has of the request."""
    with _Notes(socket):
        await socket.accept(subprotocol=socket.query_params.get("subprotocol"))
        own = {key: value for key, value in socket.scope.items() if isinstance(value, (str, bytes))}
        await socket.send_json({key: seen(value) for key, value in sorted(own.items())})
        for key in ("subprotocols", "extensions", "path_params", "asgi"):
            await socket.send_json(seen(socket.scope[key]))
        sent = {name: value for name, value in socket.headers.items() if name.startswith("x-")}
        await socket.send_json([sent, socket.cookies, socket.url.path, socket.url.scheme])
        await socket.close()


async def _needed(socket: WebSocket, token: str = Query(min_length=2)) -> AsyncIterator[str]:
    with _Notes(socket) as note:
        note("needed")
        yield token.upper()
        note("released")


Needed = Annotated[str, Depends(_needed)]


@router.websocket("/needs/{number}")
async def needs(
    socket: WebSocket,
    token: Needed,
    number: Annotated[int, Path(ge=1)],
    limit: int = 3,
    x_kind: Annotated[str | None, Header()] = None,
    own: Annotated[str | None, Cookie()] = None,
    tags: Annotated[list[str] | None, Query()] = None,
) -> None:
    """Sends its parameters."""
    await socket.accept()
    await socket.send_json([seen(each) for each in (token, number, limit, x_kind, own, tags)])
    if limit == 4:
        raise ValueError("limit")
    if limit > 4:
        raise WebSocketException(4000 + limit, "limit")
    await socket.close(3000, "done")


@router.websocket("/refuses/{how}")
async def refuses(socket: WebSocket, how: str) -> None:
    """Refuses the handshake."""
    with _Notes(socket) as note:
        if how == "close":
            await socket.close(4321, "not now")
        elif how == "json":
            await socket.send_denial_response(JSONResponse({"a": "é"}, 401, {"x-why": "none"}))
        elif how == "text":
            await socket.send_denial_response(PlainTextResponse("nö", 429))
        elif how == "empty":
            await socket.send_denial_response(PlainTextResponse("", 404))
        elif how == "stream":
            pieces = iter([b"a", b"", b"b" * 10000])
            await socket.send_denial_response(StreamingResponse(pieces, 418))
        elif how == "http":
            raise HTTPException(402, "pay", {"x-price": "1"})
        elif how == "socket":
            raise WebSocketException(1008, "policy")
        elif how == "error":
            raise ValueError("refused")
        note("refused", how)


@router.websocket("/ends/{how}")
async def ends(socket: WebSocket, how: str) -> None:
    """Ends after the accept."""
    with _Notes(socket) as note:
        await socket.accept()
        await socket.send_text("hello")
        if how == "error":
            raise ValueError("late")
        if how == "http":
            raise HTTPException(402, "pay")
        if how == "socket":
            raise WebSocketException(3999, "late")
        if how.isdigit():
            await socket.close(int(how), "as asked")
            note("closed")


@router.websocket("/keeps-sending")
async def keeps_sending(socket: WebSocket) -> None:
    """Sends until the client has gone."""
    with _Notes(socket) as note:
        await socket.accept()
        try:
            while True:
                await socket.send_text("x" * 1000)
                await asyncio.sleep(0.001)
        except WebSocketDisconnect as error:
            note(*_shown(error))


@router.websocket("/both")
async def both(socket: WebSocket) -> None:
    """Sends from one task, receives in another."""
    with _Notes(socket) as note:
        await socket.accept()

        async def send() -> None:
            for number in range(50):
                await socket.send_json(number)

        sending = asyncio.create_task(send())
        for number in range(50):
            assert await socket.receive_json() == number
        await sending
        note("both")
        await socket.close()


@router.websocket("/receives/{kind}")
async def receives(socket: WebSocket, kind: str) -> None:
    """Receives a message of one kind, whatever the client sends."""
    with _Notes(socket):
        await socket.accept()
        if kind == "text":
            await socket.send_text(await socket.receive_text())
        elif kind == "bytes":
            await socket.send_bytes(await socket.receive_bytes())
        else:
            await socket.send_json(await socket.receive_json())
        await socket.close()


_app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


@_app.websocket("/echo/{name}")
async def mounted(socket: WebSocket, name: str) -> None:
    """A WebSocket of a mounted application."""
    with _Notes(socket):
        await socket.accept()
        await socket.send_text(f"{name} {socket.scope['root_path']} {socket.url.path}")
        await socket.close()


class Endpoint(WebSocketEndpoint):
    """Starlette's own kind of handler."""

    encoding = "text"

    async def on_connect(self, websocket: WebSocket) -> None:
        """Accepts."""
        await websocket.accept()

    async def on_receive(self, websocket: WebSocket, data: Any) -> None:
        """Sends back."""
        await websocket.send_text(f"got {data}")

    async def on_disconnect(self, websocket: WebSocket, close_code: int) -> None:
        """Notes the code."""
        with _Notes(websocket) as note:
            note("code", close_code)


router.mount("/mounted", _app)
router.add_websocket_route("/endpoint", Endpoint)  # type: ignore[arg-type]
