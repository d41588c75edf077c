"""Routes whose work is their dependencies: classes, generators, trees, a token."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

router = APIRouter()

Count = Annotated[int, Query(ge=1, le=1000)]
TOKEN = "a-token-of-the-bench"


class Settings:
    """Value of a dependency."""

    def __init__(self, count: Count, loud: bool = False) -> None:
        self.count = count
        self.loud = loud


class Tally:
    """Counts what was opened and closed, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.opened = self.closed = 0

    def open(self) -> None:
        """Counts one more that is open."""
        with self._lock:
            self.opened += 1

    def close(self) -> None:
        """Counts one more that is closed."""
        with self._lock:
            self.closed += 1


tally = Tally()


def _echo(word: str, settings: Settings) -> dict[str, Any]:
    data = {"word": word, "count": settings.count, "loud": settings.loud}
    return {"success": True, "data": data}


@router.get("/depends/{word}")
async def depends(word: str, settings: Annotated[Settings, Depends()]):
    """Give three parameters back, two of them through a dependency."""
    return _echo(word, settings)


def opened(count: Count, loud: bool = False) -> Iterator[Settings]:
    """Value of a dependency with a teardown."""
    tally.open()
    try:
        yield Settings(count, loud)
    finally:
        tally.close()


async def opened_late(count: Count, loud: bool = False) -> AsyncIterator[Settings]:
    """Value of a dependency with a teardown on the loop."""
    tally.open()
    try:
        yield Settings(count, loud)
    finally:
        tally.close()


@router.get("/yield/{word}")
async def yields(word: str, settings: Annotated[Settings, Depends(opened)]):
    """Give three parameters back, two of them through a generator."""
    return _echo(word, settings)


@router.get("/yield-def/{word}")
def yields_def(word: str, settings: Annotated[Settings, Depends(opened)]):
    """Give three parameters back, in a pool of threads, two of them through a generator."""
    return _echo(word, settings)


@router.get("/yield-async/{word}")
async def yields_async(word: str, settings: Annotated[Settings, Depends(opened_late)]):
    """Give three parameters back, two of them through an asynchronous generator."""
    return _echo(word, settings)


def tenant(name: str = "here") -> str:
    """First of four levels."""
    return name


async def session(tenant: Annotated[str, Depends(tenant)], loud: bool = False) -> dict[str, Any]:
    """Second of four levels."""
    return {"tenant": tenant, "loud": loud}


def store(session: Annotated[dict[str, Any], Depends(session)], count: Count) -> dict[str, Any]:
    """Third of four levels."""
    return {**session, "count": count}


async def service(
    store: Annotated[dict[str, Any], Depends(store)], tenant: Annotated[str, Depends(tenant)]
) -> dict[str, Any]:
    """Fourth of four levels, which needs the first as well."""
    return {**store, "same": tenant}


@router.get("/deep/{word}")
async def deep(word: str, service: Annotated[dict[str, Any], Depends(service)]):
    """Give back what came through four levels of dependencies."""
    return {"success": True, "data": {"word": word, **service}}


def user(
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> dict[str, str]:
    """Check the token."""
    if credentials.credentials != TOKEN:
        raise HTTPException(401, "not the token of the bench")
    return {"name": "bench"}


@router.get("/bearer/{word}")
async def bearer(word: str, user: Annotated[dict[str, str], Depends(user)]):
    """Answer the owner of the token."""
    return {"success": True, "data": {"word": word, **user}}


@router.get("/request/{word}")
async def request(word: str, request: Request, response: Response):
    """Read a header of the request and set one of the answer."""
    mark = request.headers.get("x-mark", "none")
    response.headers["x-mark"] = mark
    return {"success": True, "data": {"word": word, "mark": mark, "path": request.url.path}}
