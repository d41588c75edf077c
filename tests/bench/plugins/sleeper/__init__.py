"""A plugin that blocks its event loop."""

from __future__ import annotations

import time

from fastapi import APIRouter

router = APIRouter()


@router.get("/block")
async def block(seconds: float = 5.0) -> dict[str, bool]:
    """Sleep without letting the loop go, as plugins do that call `requests` in `async def`."""
    time.sleep(seconds)
    return {"success": True}


class SleeperPlugin:
    """Blocks."""

    name = "sleeper"
    router = router
