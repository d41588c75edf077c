"""Routes that fail or are left in the middle, over dependencies that count what they open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, File, HTTPException, UploadFile
from fastapi.responses import StreamingResponse

from .bodies import Order
from .needs import tally

router = APIRouter(prefix="/leaks")

#: The step that fails.
Where = Literal["none", "before", "needed", "handler", "answer", "piece", "task", "after"]
#: Pieces of a stream that nearly every client leaves, and seconds between them.
_PIECES, _PAUSE = 50, 0.02


def _fail(where: str, here: str) -> None:
    if where == here:
        raise HTTPException(418, here) if here == "needed" else RuntimeError(here)


def _opened(where: Where = "none") -> Iterator[str]:
    """A dependency in a thread."""
    _fail(where, "before")
    tally.open()
    try:
        yield where
    finally:
        tally.close()
    _fail(where, "after")


async def _opened_late(outer: Annotated[str, Depends(_opened)]) -> AsyncIterator[str]:
    """A dependency on the loop, over the one in a thread."""
    tally.open()
    try:
        _fail(outer, "needed")
        yield outer
    finally:
        tally.close()


Opened = Annotated[str, Depends(_opened_late)]


async def _pieces(where: str) -> AsyncIterator[bytes]:
    for number in range(3):
        if number == 1:
            _fail(where, "piece")
        yield b"piece\n"


@router.get("/fails")
async def fails(opened: Opened, tasks: BackgroundTasks):
    """Fail on the loop."""
    tasks.add_task(_fail, opened, "task")
    _fail(opened, "handler")
    return StreamingResponse(_pieces(opened)) if opened == "piece" else _answer(opened)


@router.get("/fails-def")
def fails_def(opened: Opened):
    """Fail in a thread."""
    _fail(opened, "handler")
    return _answer(opened)


def _answer(opened: str) -> Any:
    return {"v": object} if opened == "answer" else {"success": True, "data": opened}


async def _endless() -> AsyncIterator[bytes]:
    tally.open()
    try:
        for _ in range(_PIECES):
            yield b"one of many pieces\n"
            await asyncio.sleep(_PAUSE)
    finally:
        tally.close()


@router.get("/stream")
async def stream(opened: Opened):
    """A long stream."""
    return StreamingResponse(_endless())


@router.get("/slow")
async def slow(opened: Opened):
    """Work for a moment."""
    await asyncio.sleep(_PAUSE)
    return {"success": True, "data": opened}


@router.post("/upload")
async def upload(file: Annotated[UploadFile, File()], opened: Opened):
    """Take a file."""
    return {"success": True, "data": len(await file.read())}


@router.post("/order")
def order(order: Order, opened: Opened):
    """Take a body."""
    return {"success": True, "data": order.count}
