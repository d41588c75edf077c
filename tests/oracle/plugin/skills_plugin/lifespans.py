"""What runs around the life of a router, observed through routes.

`lifespan` is the plugin's topmost router's own; routers in it have others, of each kind.
"""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.requests import HTTPConnection

from .record import echo, seen

router = APIRouter(prefix="/lifespans")

#: What ran, in its order.
_log: list[str] = []
#: The event loop of each lifespan.
_loops: dict[str, asyncio.AbstractEventLoop] = {}
_variable: contextvars.ContextVar[str] = contextvars.ContextVar("lifespan", default="unset")


def _note(what: str) -> None:
    _log.append(what)
    _loops[what] = asyncio.get_running_loop()
    _variable.set(what)


@contextlib.asynccontextmanager
async def lifespan(app: Any) -> AsyncIterator[Mapping[str, Any]]:
    """Yields a state, and needs the loop for it."""
    await asyncio.sleep(0)
    _note(f"topmost of {type(app).__name__}")
    yield {"own": "topmost", "shared": "topmost", "store": {}, "lock": asyncio.Lock(), "none": None}
    _note("topmost ended")


@contextlib.asynccontextmanager
async def _nested(app: Any) -> AsyncIterator[dict[str, Any]]:
    _note("nested")
    yield {"nested": [1, "two"], "shared": "nested"}
    _note("nested ended")


@contextlib.asynccontextmanager
async def _deep(app: Any) -> AsyncIterator[dict[str, Any]]:
    _note("deep")
    yield {"deep": {"a": 1}, "shared": "deep"}
    _note("deep ended")


@contextlib.asynccontextmanager
async def _silent(app: Any) -> AsyncIterator[None]:
    _note("silent")
    yield


class _Managed(contextlib.AbstractAsyncContextManager):
    """A lifespan that is a class."""

    def __init__(self, app: Any) -> None:
        pass

    async def __aenter__(self) -> dict[str, Any]:
        _note("class")
        return {"class": True}

    async def __aexit__(self, *_: object) -> None:
        _note("class ended")


async def _generator(app: Any) -> AsyncIterator[dict[str, Any]]:
    _note("generator")
    yield {"generator": 1.5}


def _plain_generator(app: Any) -> Iterator[dict[str, Any]]:
    _note("plain generator")
    yield {"plain": 1}


def _started() -> None:
    _note("started")


async def _started_late() -> None:
    await asyncio.sleep(0)
    _note("started late")


def _stopped() -> None:
    _note("stopped")


def _state(connection: HTTPConnection) -> dict[str, Any]:
    """The state without what differs from process to process."""
    state = dict(connection.scope.get("state") or {})
    return {name: value for name, value in state.items() if name not in ("store", "lock")}


@router.get("/log")
async def log() -> list[str]:
    """What ran when the plugin started."""
    return _log


@router.get("/log-plain")
def log_plain():
    return {"log": _log, "variable": _variable.get()}


@router.get("/state")
async def state(request: Request):
    """What the lifespans yielded: a later one replaces what an earlier one named alike."""
    return {
        "state": seen(_state(request)),
        "own": getattr(request.state, "own", "missing"),
        "none": getattr(request.state, "none", "missing"),
        "nothing": getattr(request.state, "nothing", "missing"),
    }


@router.get("/state-plain/{name}")
def state_plain(name: str, request: Request):
    return echo(value=getattr(request.state, name, "missing") if name in _state(request) else None)


@router.get("/state-needed")
async def state_needed(state: dict[str, Any] = Depends(_state)):  # noqa: B008
    return echo(state=state)


@router.get("/set")
async def set_state(request: Request, value: str = "x"):
    """What a request sets, the next one does not find."""
    before = getattr(request.state, "set", "missing")
    request.state.set = value
    own = request.state.own if hasattr(request.state, "own") else "missing"
    request.state.own = value
    return {"before": before, "after": request.state.set, "own": own}


@router.get("/keep/{key}")
async def keep(key: str, request: Request, value: str = "x"):
    """What a request puts into an object of the state, the next one finds."""
    store = getattr(request.state, "store", None)
    if store is None:
        return "no store"
    async with request.state.lock:
        store.setdefault(key, []).append(value)
    return store[key]


@router.get("/loop")
async def loop(request: Request):
    """Handlers run on the loop on which the lifespans ran, so they share locks and clients."""
    running = asyncio.get_running_loop()
    locked = hasattr(request.state, "lock") and await _wait_for(request.state.lock)
    return {"same": {name: own is running for name, own in _loops.items()}, "locked": locked}


async def _wait_for(lock: asyncio.Lock) -> bool:
    """Waits for a lock that another task holds, which only works on the lock's own loop."""

    async def held() -> None:
        async with lock:
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(held()) for _ in range(2)]
    await asyncio.gather(*tasks)
    return True


@router.get("/thread")
def thread():
    return {"main": threading.current_thread() is threading.main_thread()}


def _nest(name: str, **options: Any) -> APIRouter:
    """A router with one route and something around its life."""
    nested = APIRouter(prefix=f"/{name}", **options)

    def handler(request: Request, name: str = name):
        return {"name": name, "log": len(_log), "shared": getattr(request.state, "shared", None)}

    nested.add_api_route("/route", handler)
    return nested


_OPTIONS: dict[str, dict[str, Any]] = {
    "nested": {"lifespan": _nested},
    "silent": {"lifespan": _silent},
    "class": {"lifespan": _Managed},
    "generator": {"lifespan": _generator},
    "plain-generator": {"lifespan": _plain_generator},
    "events": {"on_startup": [_started, _started_late], "on_shutdown": [_stopped]},
    "events-ignored": {"on_startup": [_stopped], "lifespan": _silent},
}
_routers: dict[str, APIRouter] = {name: _nest(name, **own) for name, own in _OPTIONS.items()}
_routers["nested"].include_router(_nest("deep", lifespan=_deep))
_routers["events"].on_startup.append(lambda: _note("appended"))
_register: Callable[..., Any] = _routers["events"].on_event
_register("startup")(lambda: _note("registered"))
for _router in _routers.values():
    router.include_router(_router)
