"""The plugin whose routes are measured; `limit.rs` answers the same without Python."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, WebSocket
from pydantic import BaseModel, Field

router = APIRouter()

Count = Annotated[int, Query(ge=1, le=1000)]

ROWS = [
    {
        "id": number,
        "key": f"PROJ-{number}",
        "ratio": number / 8,
        "done": number % 3 == 0,
        "assignee": f"user{number % 7}" if number % 2 == 0 else None,
    }
    for number in range(1000)
]


class Order(BaseModel):
    """A request body."""

    item: str = Field(min_length=1)
    count: int = Field(1, ge=1, le=99)
    gift: bool = False


class Settings:
    """Value of a dependency."""

    def __init__(self, count: Count, loud: bool = False) -> None:
        self.count = count
        self.loud = loud


def _echo(word: str, count: int, loud: bool) -> dict[str, Any]:
    return {"success": True, "data": {"word": word, "count": count, "loud": loud}}


@router.get("/async/{word}")
async def echo_async(word: str, count: Count, loud: bool = False):
    """Give three parameters back, on the loop.

    No result type, as in most existing plugins: FastAPI then encodes what comes.
    """
    return _echo(word, count, loud)


@router.get("/def/{word}")
def echo_def(word: str, count: Count, loud: bool = False):
    """Give three parameters back, in a pool of threads."""
    return _echo(word, count, loud)


@router.get("/rows")
async def rows():
    """Give 1,000 rows."""
    return {"success": True, "data": ROWS}


@router.get("/typed-rows")
async def typed_rows() -> dict[str, Any]:
    """Give 1,000 rows with a result type: FastAPI validates, and newer ones let pydantic write."""
    return {"success": True, "data": ROWS}


@router.get("/sleep")
async def sleep():
    """Suspend for 10 ms."""
    await asyncio.sleep(0.01)
    return {"success": True, "data": "slept"}


@router.post("/order")
async def order(order: Order):
    """Take a request body with a model."""
    return {"success": True, "data": order.model_dump()}


@router.get("/depends/{word}")
async def depends(word: str, settings: Annotated[Settings, Depends()]):
    """Give three parameters back, two of them through a dependency."""
    return _echo(word, settings.count, settings.loud)


def opened(count: Count, loud: bool = False) -> Iterator[Settings]:
    """Value of a dependency with a teardown."""
    yield Settings(count, loud)


@router.get("/yield/{word}")
async def yields(word: str, settings: Annotated[Settings, Depends(opened)]):
    """Give three parameters back, two of them through a generator."""
    return _echo(word, settings.count, settings.loud)


@router.websocket("/socket")
async def socket(socket: WebSocket):
    """Give each text back."""
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


@router.get("/left-behind")
async def left_behind():
    """Count what could be left behind: tasks of this loop, this request's included, and threads."""
    data = {"tasks": len(asyncio.all_tasks()), "threads": threading.active_count()}
    return {"success": True, "data": data}


class BenchPlugin:
    """Plain, so that it also loads where the daemon's SDK is not installed."""

    name = "bench"
    description = "What the benches measure"
    router = router
