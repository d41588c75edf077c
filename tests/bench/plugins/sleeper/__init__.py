"""A plugin that blocks its event loop."""

from __future__ import annotations

import time

from fastapi import APIRouter

router = APIRouter()


@router.get("/block")
async def block(seconds: float = 5.0) -> dict[str, bool]:
    """Block the loop, as plugins do that call `requests` in `async def`."""
    # Even `sleep(0)` releases the GIL, which takes time on a busy machine.
    if seconds:
        time.sleep(seconds)
    return {"success": True}


@router.get("/gate")
async def gate(seconds: float = 0.1) -> dict[str, bool]:
    """Block the loop while other calls arrive."""
    time.sleep(seconds)
    return {"success": True}


@router.get("/now")
async def now() -> dict[str, float]:
    """Give the time at which this handler ended."""
    return {"now": time.time()}


@router.get("/nap")
def nap(seconds: float = 1.0) -> dict[str, bool]:
    """Block a thread of the pool."""
    time.sleep(seconds)
    return {"success": True}


class SleeperPlugin:
    """Blocks."""

    name = "sleeper"
    router = router
