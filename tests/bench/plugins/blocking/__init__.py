"""A plugin that blocks its loop for a moment per call.

Its name is that of its folder, so that copies differ.
"""

from __future__ import annotations

import time
from pathlib import Path

from fastapi import APIRouter

router = APIRouter()


@router.get("/call")
async def call(milliseconds: int = 200) -> dict[str, bool]:
    """Block as `requests` does in `async def`."""
    time.sleep(milliseconds / 1000)
    return {"success": True}


class BlockingPlugin:
    """Blocks."""

    name = Path(__file__).parent.name
    router = router
