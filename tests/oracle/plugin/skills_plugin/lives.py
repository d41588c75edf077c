"""Lifespans of routers, and what they give to requests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Request

from .record import count, echo


@asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """A router's."""
    count(f"lives of {app.title} begin")
    yield {"outer": [1], "both": "outer"}


@asynccontextmanager
async def inner_lifespan(app: Any) -> AsyncIterator[dict[str, Any]]:
    """That of a router in a router."""
    count("lives begin inside")
    yield {"inner": {"a": 1}, "both": "inner"}


router = APIRouter(prefix="/lives", lifespan=lifespan)
inner = APIRouter(prefix="/inner", lifespan=inner_lifespan)
old = APIRouter(prefix="/old")
old.on_startup.append(lambda: count("lives begin as of old"))


async def state(request: Request, set: str = ""):
    """What is there, which one request does not change for another."""
    count()
    names = ("outer", "inner", "both", "own")
    before = {name: getattr(request.state, name, None) for name in names}
    request.state.own = set
    return echo(before=before, own=request.state.own)


for _router in (router, inner, old):
    _router.add_api_route("/state", state)
router.include_router(inner)
router.include_router(old)
