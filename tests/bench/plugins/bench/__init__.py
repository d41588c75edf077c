"""The plugin whose routes are measured; `limit.rs` answers some of them without Python.

- `bodies`, `needs`, `answers`: routes by what makes their work.
- `leaks`: routes that fail or are left in the middle; not measured.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from fastapi import APIRouter, WebSocket

from . import answers, bodies, leaks, needs
from .needs import Count

router = APIRouter()


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


@router.get("/sleep")
async def sleep():
    """Suspend for 10 ms."""
    await asyncio.sleep(0.01)
    return {"success": True, "data": "slept"}


@router.websocket("/socket")
async def socket(socket: WebSocket):
    """Give each text back."""
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(text)


@router.get("/left-behind")
async def left_behind():
    """Count what could be left behind.

    That is tasks of this loop, this request's included, threads, and dependencies that were opened
    and closed.
    """
    data = {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "opened": needs.tally.opened,
        "closed": needs.tally.closed,
    }
    return {"success": True, "data": data}


for _part in (bodies, needs, answers, leaks):
    router.include_router(_part.router)


class BenchPlugin:
    """Plain, so that it also loads where the daemon's SDK is not installed."""

    name = "bench"
    description = "What the benches measure"
    router = router
