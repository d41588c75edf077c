"""What dependencies hold while they yield: scopes, tokens, groups, locks, files.

Most of it works only if what follows the `yield` runs in the task and context of what preceded it.
"""

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Literal

import anyio
import anyio.abc
from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, UploadFile
from fastapi.responses import StreamingResponse

from .trace import Key, trace

router = APIRouter(prefix="/traced/across")

_held: contextvars.ContextVar[str] = contextvars.ContextVar("oracle_held", default="none")
#: Seconds that a handler has, even on a busy machine, where a dependency limits it.
_LIMIT = 0.5
Act = Literal["return", "wait", "raise", "http", "start", "cancel", "cancelled", "long"]


def _reset(key: str, token: contextvars.Token[str]) -> None:
    try:
        _held.reset(token)
        trace(key, f"reset to {_held.get()}")
    except ValueError:
        trace(key, f"no reset of {_held.get()}")


def token(key: Key = "") -> Iterator[str]:
    """A variable that is set back, in a thread."""
    token = _held.set("plain")
    trace(key, "set")
    try:
        yield _held.get()
    finally:
        _reset(key, token)


async def late_token(key: Key = "") -> AsyncIterator[str]:
    """A variable that is set back."""
    token = _held.set("late")
    trace(key, "set")
    try:
        yield _held.get()
    finally:
        _reset(key, token)


async def nested_token(outer: Annotated[str, Depends(late_token)], key: Key = "") -> Any:
    """A variable that is set twice."""
    token = _held.set(f"nested {outer}")
    try:
        yield _held.get()
    finally:
        _reset(key, token)


async def scope(key: Key = "") -> AsyncIterator[anyio.CancelScope]:
    """A scope that may be cancelled."""
    with anyio.CancelScope() as made:
        trace(key, "scope")
        yield made
    trace(key, f"xscope {made.cancelled_caught}")


async def timeout(key: Key = "") -> AsyncIterator[None]:
    """A limit of time."""
    trace(key, "limit")
    try:
        with anyio.fail_after(_LIMIT):
            yield
    finally:
        trace(key, "xlimit")


async def answered_timeout(key: Key = "") -> AsyncIterator[None]:
    """A limit of time that is answered."""
    try:
        with anyio.fail_after(_LIMIT):
            yield
    except TimeoutError as error:
        trace(key, "timeout")
        raise HTTPException(504, "too late") from error


async def group(key: Key = "") -> AsyncIterator[anyio.abc.TaskGroup]:
    """A group of tasks, which is waited for."""
    async with anyio.create_task_group() as made:
        trace(key, "group")
        yield made
        trace(key, "xgroup")
    trace(key, "ygroup is done")


_locks: dict[str, asyncio.Lock] = {}


async def lock(key: Key = "") -> AsyncIterator[bool]:
    """A lock of the request's own."""
    async with _locks.setdefault(key, asyncio.Lock()) as _:
        trace(key, "lock")
        yield _locks[key].locked()
    trace(key, f"xlock {_locks.pop(key).locked()}")


def stack(key: Key = "") -> Iterator[contextlib.ExitStack]:
    """A stack that the handler adds to."""
    with contextlib.ExitStack() as made:
        made.callback(trace, key, "first of stack")
        yield made
        trace(key, "xstack")


async def late_stack(key: Key = "") -> AsyncIterator[contextlib.AsyncExitStack]:
    """A stack that the handler adds to, on the loop."""
    async with contextlib.AsyncExitStack() as made:
        made.callback(trace, key, "first of stack")
        yield made
        trace(key, "xstack")


async def _child(key: str, name: str) -> None:
    trace(key, f"{name} begins in {_held.get()}")
    await asyncio.sleep(0.01)
    trace(key, f"{name} ends")


def _acting(needed: Callable[..., Any], late: bool) -> Callable[..., Any]:
    """A handler that does something with what the dependency holds."""

    async def coroutine(held, tasks: BackgroundTasks, act: Act = "return", key: Key = ""):
        trace(key, f"handler in {_held.get()}")
        tasks.add_task(_child, key, "task")
        if act == "wait":
            await asyncio.sleep(0.01)
        elif act == "long":
            await asyncio.sleep(4 * _LIMIT)
        elif act == "raise":
            raise ValueError("by the handler")
        elif act == "http":
            raise HTTPException(418, "by the handler")
        elif act == "start" and hasattr(held, "start_soon"):
            held.start_soon(_child, key, "child")
        elif act == "start" and hasattr(held, "callback"):
            held.callback(trace, key, "by the handler")
        elif act == "cancel":
            scope = getattr(held, "cancel_scope", held)
            if hasattr(scope, "cancel"):
                scope.cancel()
            await asyncio.sleep(0)
        elif act == "cancelled":
            raise asyncio.CancelledError
        trace(key, f"returns in {_held.get()}")
        return type(held).__name__

    def plain(held, act: Act = "return", key: Key = ""):
        trace(key, f"handler in {_held.get()}")
        if act == "raise":
            raise ValueError("by the handler")
        if act == "http":
            raise HTTPException(418, "by the handler")
        if act == "start" and hasattr(held, "callback"):
            held.callback(trace, key, "by the handler")
        trace(key, f"returns in {_held.get()}")
        return type(held).__name__

    handler = coroutine if late else plain
    handler.__annotations__["held"] = Annotated[Any, Depends(needed)]
    return handler


_NEEDED = (token, late_token, nested_token, scope, timeout, answered_timeout, group, lock, stack,
           late_stack)  # fmt: skip
for _needed in _NEEDED:
    _path = _needed.__name__.replace("_", "-")
    router.add_api_route(f"/{_path}", _acting(_needed, late=False))
    router.add_api_route(f"/{_path}-late", _acting(_needed, late=True))


async def _keeps(key: Key = "") -> AsyncIterator[list[UploadFile]]:
    kept: list[UploadFile] = []
    yield kept
    trace(key, f"dependency: closed {[each.file.closed for each in kept]}")


async def _file_task(key: str, data: UploadFile) -> None:
    trace(key, f"task: closed {data.file.closed}")


async def _read(key: str, data: UploadFile) -> AsyncIterator[bytes]:
    trace(key, f"stream: closed {data.file.closed}")
    yield b"" if data.file.closed else await data.read(5)


@router.post("/upload")
async def upload(
    data: UploadFile,
    kept: Annotated[list[UploadFile], Depends(_keeps)],
    tasks: BackgroundTasks,
    act: Literal["return", "stream", "raise"] = "return",
    key: Key = "",
):
    """How long a file is open: for the handler, the stream, the tasks, the dependencies?"""
    trace(key, f"handler: closed {data.file.closed}")
    kept.append(data)
    tasks.add_task(_file_task, key, data)
    if act == "raise":
        raise ValueError("by the handler")
    return StreamingResponse(_read(key, data)) if act == "stream" else data.size
