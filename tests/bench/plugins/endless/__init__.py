"""A plugin whose handler never returns."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()


@router.get("/spin")
async def spin():
    """Block the loop for ever."""
    while True:
        pass


class EndlessPlugin:
    """An endless loop in an async handler."""

    name = "endless"
    router = router
