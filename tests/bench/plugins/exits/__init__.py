"""A plugin that ends the process by `os._exit`."""

from __future__ import annotations

import os

from fastapi import APIRouter

router = APIRouter()


@router.get("/leave")
async def leave():
    """End the process."""
    os._exit(3)


class ExitsPlugin:
    """A call of `os._exit`."""

    name = "exits"
    router = router
