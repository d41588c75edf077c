"""The plugin that comes with the daemon: a tour of what a plugin can do.

It is an ordinary FastAPI plugin, found and loaded like any other; its manifest
(`manifests/demo.json` in the repository) asks for `humanize`, which the daemon installs before this
file is imported.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import AsyncIterator
from datetime import date, timedelta
from enum import Enum
from typing import Any, Literal

import humanize
from fastapi import APIRouter, Cookie, Header, HTTPException, Query
from fastapi.responses import PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from skills_daemon.logging import logger
from skills_daemon.plugins import SkillPlugin

router = APIRouter()
_loaded = time.monotonic()


class Color(str, Enum):
    """A choice with names."""

    red = "red"
    green = "green"


class Order(BaseModel):
    """A request body."""

    item: str = Field(description="What is ordered", min_length=1)
    count: int = Field(1, description="How many", ge=1, le=99)
    gift: bool = Field(False, description="Wrap it")


@router.get("/hello")
def hello(name: str = Query("World", description="Who is greeted")) -> dict[str, Any]:
    """Greet somebody.

    Examples:
        demo hello
        demo hello --name Ada
    """
    age = humanize.precisedelta(timedelta(seconds=time.monotonic() - _loaded))
    return {
        "success": True,
        "data": f"Hello, {name}! Python {platform.python_version()} has been warm for {age}.",
    }


@router.get("/size/{bytes}")
def size(
    bytes: int,
    binary: bool = Query(False, description="Count in steps of 1024"),
) -> dict[str, Any]:
    """Write a number of bytes for people, with the `humanize` package.

    Examples:
        demo size 1234567
        demo size 1234567 --binary
    """
    return {"success": True, "data": humanize.naturalsize(bytes, binary=binary)}


@router.get("/kinds/{word}")
def kinds(
    word: str,
    number: int = Query(..., ge=0, le=1000, description="A whole number"),
    ratio: float = Query(0.5, gt=0, lt=1, description="A fraction"),
    flag: bool = Query(False, description="Yes or no"),
    color: Color = Query(Color.red, description="One of an enum"),
    level: Literal["low", "high"] = Query("low", description="One of some literals"),
    tags: list[str] = Query([], alias="tag", description="May be given more than once"),
    day: date | None = Query(None, description="A date, YYYY-MM-DD"),
    max_results: int = Query(10, alias="maxResults", description="Has an alias"),
    x_demo: str | None = Header(None, description="A header"),
    session: str | None = Cookie(None, description="A cookie"),
) -> dict[str, Any]:
    """Take a parameter of every kind and give them back.

    Examples:
        demo kinds word --number 7 --color green --tag a --tag b
    """
    data = {
        "word": word,
        "number": number,
        "ratio": ratio,
        "flag": flag,
        "color": color,
        "level": level,
        "tags": tags,
        "day": day,
        "maxResults": max_results,
        "x-demo": x_demo,
        "session": session,
    }
    return {"success": True, "data": data}


@router.post("/order", status_code=201)
def order(order: Order) -> dict[str, Any]:
    """Take a request body.

    Examples:
        demo order --item tea --count 2 --gift
    """
    return {"success": True, "data": order.model_dump()}


@router.get("/wait")
async def wait(
    seconds: float = Query(1.0, ge=0, le=60, description="How long to take"),
) -> dict[str, Any]:
    """Take a while; other requests to this plugin are answered meanwhile."""
    logger.info("waiting", seconds=seconds)
    await asyncio.sleep(seconds)
    return {"success": True, "data": f"waited {seconds:g} s"}


@router.get("/count", response_class=PlainTextResponse)
async def count(
    to: int = Query(3, ge=1, le=1000, description="The last number"),
    delay: float = Query(0.2, ge=0, le=10, description="Seconds between numbers"),
) -> StreamingResponse:
    """Count, a line at a time: the answer is printed while it is made."""

    async def lines() -> AsyncIterator[str]:
        for number in range(1, to + 1):
            yield f"{number}\n"
            if number < to:
                await asyncio.sleep(delay)

    return StreamingResponse(lines(), media_type="text/plain")


@router.get("/fail")
def fail(
    status: int = Query(0, description="An HTTP status to fail with; 0 raises instead"),
) -> None:
    """Fail, to see how that looks."""
    if status:
        raise HTTPException(status_code=status, detail=f"failed as asked, with {status}")
    raise RuntimeError("failed as asked")


class DemoPlugin(SkillPlugin):
    """A tour of what a plugin can do."""

    name = "demo"
    description = "A tour of what a plugin can do"
    version = "1.0.0"
    router = router
