"""A plugin that computes in pure Python."""

from __future__ import annotations

import time

from fastapi import APIRouter

router = APIRouter()


@router.get("/burn")
async def burn(seconds: float = 5.0) -> dict[str, bool]:
    """Hold the GIL for whole switch intervals, again and again."""
    end = time.monotonic() + seconds
    total = 0
    while time.monotonic() < end:
        total += sum(number * number for number in range(1000))
    return {"success": total >= 0}


class BurnerPlugin:
    """Burns."""

    name = "burner"
    router = router
