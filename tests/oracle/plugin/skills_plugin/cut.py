"""Bodies and streams that a client leaves in the middle: what their readers and writers see."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import fastapi.responses
from fastapi import APIRouter, BackgroundTasks, Depends, Request, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from .trace import Key, trace, trace_only
from .version import accepted

router = APIRouter(prefix="/traced/cut")

#: Seconds for which a stream waits for its client to go.
_PATIENCE = 5.0
#: Seconds between the pieces of a stream that cannot be interrupted.
_PAUSE = 0.05
#: Pieces of such a stream.
_PIECES = 20


async def _late(key: str, wait: bool) -> AsyncIterator[bytes]:
    trace(key, "begun")
    try:
        yield b"begun\n"
        await asyncio.sleep(_PATIENCE if wait else 0)
        yield b"end\n"
        trace(key, "ended")
    except BaseException as caught:
        trace(key, f"saw {type(caught).__name__}")
        raise
    finally:
        trace(key, "closed")


def _plain(key: str, wait: bool) -> Iterator[bytes]:
    trace(key, "begun")
    try:
        yield b"begun\n"
        for _ in range(_PIECES if wait else 0):
            time.sleep(_PAUSE)
            yield b"more\n"
        yield b"end\n"
        trace_only(key, "ended")
    except BaseException as caught:
        # Whenever the garbage collector comes by.
        trace_only(key, f"saw {type(caught).__name__}")
        raise
    finally:
        trace_only(key, "closed")


def _opened(key: Key = "") -> Any:
    trace(key, "opened")
    try:
        yield
    except BaseException as caught:
        trace(key, f"dependency saw {type(caught).__name__}")
        raise
    finally:
        trace(key, "dependency closed")


async def _late_opened(key: Key = "") -> Any:
    trace(key, "late opened")
    try:
        yield
    except BaseException as caught:
        trace(key, f"late dependency saw {type(caught).__name__}")
        raise
    finally:
        trace(key, "late dependency closed")


_function = accepted(Depends, scope="function")


@router.get("/late")
async def late(
    tasks: BackgroundTasks,
    _: Annotated[None, Depends(_opened)],
    __: Annotated[None, Depends(_late_opened)],
    key: Key = "",
    wait: bool = False,
):
    tasks.add_task(trace, key, "task")
    trace(key, "handler")
    return StreamingResponse(_late(key, wait))


@router.get("/plain")
def plain(_: Annotated[None, Depends(_opened)], key: Key = "", wait: bool = False):
    trace(key, "handler")
    return StreamingResponse(_plain(key, wait))


@router.get("/function")
async def function(
    _: Annotated[None, Depends(_opened, **_function)],
    __: Annotated[None, Depends(_late_opened, **_function)],
    key: Key = "",
    wait: bool = False,
):
    """Dependencies that are closed before the answer is sent, where FastAPI has that."""
    trace(key, "handler")
    return StreamingResponse(_late(key, wait))


async def yielding(
    _: Annotated[None, Depends(_opened)],
    __: Annotated[None, Depends(_late_opened)],
    key: Key = "",
    wait: bool = False,
) -> AsyncIterator[dict[str, int]]:
    """A handler that yields."""
    trace(key, "begun")
    try:
        yield {"n": 1}
        await asyncio.sleep(_PATIENCE if wait else 0)
        yield {"n": 2}
    except BaseException as caught:
        trace(key, f"saw {type(caught).__name__}")
        raise
    finally:
        trace(key, "closed")


# Newer ones stream what a handler yields.
if hasattr(fastapi.responses, "EventSourceResponse"):
    router.add_api_route("/lines", yielding)
    router.add_api_route("/events", yielding, response_class=fastapi.responses.EventSourceResponse)


@router.get("/handler")
async def handler(
    request: Request, _: Annotated[None, Depends(_late_opened)], key: Key = "", wait: bool = False
):
    """A handler that is left while it works goes on to its end."""
    trace(key, "handler")
    try:
        await asyncio.sleep(0.3 if wait else 0)
    except BaseException as caught:
        trace(key, f"saw {type(caught).__name__}")
        raise
    trace(key, f"disconnected {await request.is_disconnected()}")
    return "done"


class Item(BaseModel):
    """A body."""

    name: str
    count: int = 1


@router.post("/read")
async def read(request: Request, _: Annotated[None, Depends(_late_opened)], key: Key = ""):
    """Reads the body by itself."""
    trace(key, "handler")
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
    except ClientDisconnect:
        trace(key, "left")
        raise
    trace(key, f"read {size}")
    return size


async def _body(request: Request, key: Key = "") -> Any:
    trace(key, "needed")
    try:
        yield await request.body()
    except BaseException as caught:
        trace(key, f"needed saw {type(caught).__name__}")
        raise
    finally:
        trace(key, "closed")


@router.post("/read-needed")
async def read_needed(
    body: Annotated[bytes, Depends(_body)], _: Annotated[None, Depends(_opened)], key: Key = ""
):
    """A dependency reads the body."""
    trace(key, "handler")
    return len(body)


@router.post("/model")
def model(item: Item, _: Annotated[None, Depends(_opened)], key: Key = ""):
    """FastAPI reads the body, before all dependencies."""
    trace(key, "handler")
    return item


@router.post("/upload")
async def upload(data: UploadFile, _: Annotated[None, Depends(_opened)], key: Key = ""):
    """FastAPI reads the form."""
    trace(key, "handler")
    return data.size
