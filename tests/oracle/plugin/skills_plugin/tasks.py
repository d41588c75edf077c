"""Background tasks, context variables, event loops, threads."""

import asyncio
import contextvars
import threading
from typing import Annotated, Any

import anyio
import anyio.from_thread
import anyio.to_thread
from fastapi import APIRouter, BackgroundTasks, Depends, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from .record import count

router = APIRouter(prefix="/tasks")

#: Seconds after which a task that was promised is given up.
_PATIENCE = 10.0

_done: dict[str, list[str]] = {}
_changed = threading.Condition()
_variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def _note(key: str, what: str) -> None:
    with _changed:
        _done.setdefault(key, []).append(what)
        _changed.notify_all()


async def _late_note(key: str, what: str) -> None:
    await asyncio.sleep(0)
    _note(key, what)


def _fail() -> None:
    raise RuntimeError("in a background task")


@router.post("/add/{key}")
def add(key: str, tasks: BackgroundTasks, fail: bool = False):
    count()
    tasks.add_task(_note, key, "first")
    tasks.add_task(_late_note, key, what="second")
    if fail:
        tasks.add_task(_fail)
    tasks.add_task(_note, key, "third")
    return {"key": key}


@router.post("/add-late/{key}", status_code=202)
async def add_late(key: str, tasks: BackgroundTasks, how: str = ""):
    count()
    tasks.add_task(_note, key, "first")
    if how == "response":
        return JSONResponse({"key": key})
    if how == "own":
        return Response("x", background=BackgroundTasks())
    if how == "raise":
        raise ValueError("tasks are dropped")
    return {"key": key}


def _needed(key: str, tasks: BackgroundTasks) -> None:
    tasks.add_task(_note, key, "needed")


@router.post("/add-needed/{key}")
async def add_needed(key: str, tasks: BackgroundTasks, _: Annotated[None, Depends(_needed)]):
    count()
    tasks.add_task(_note, key, "own")


@router.get("/wait/{key}/{number}")
def wait(key: str, number: int):
    """What was done for `key`, once `number` things are."""
    with _changed:
        _changed.wait_for(lambda: len(_done.get(key, ())) >= min(number, 3), _PATIENCE)
        return {"done": _done.get(key, [])}


@router.get("/context")
def context(value: str = "set"):
    """What one request sets, no other sees."""
    count()
    before = _variable.get()
    _variable.set(value)
    return {"before": before, "after": _variable.get()}


@router.get("/context-late")
async def context_late(value: str = "set"):
    count()
    before = _variable.get()
    _variable.set(value)
    await asyncio.sleep(0)
    inside = await run_in_threadpool(_variable.get)
    task = await asyncio.create_task(_read())
    return {"before": before, "after": _variable.get(), "inside": inside, "task": task}


async def _read() -> str:
    return _variable.get()


def _need_context(value: str = "set") -> str:
    _variable.set(value)
    return _variable.get()


async def _need_context_late(value: str = "set") -> str:
    _variable.set(value)
    return _variable.get()


@router.get("/context-needed")
def context_needed(_: Annotated[str, Depends(_need_context)]):
    count()
    return {"seen": _variable.get()}


@router.get("/context-needed-late")
async def context_needed_late(_: Annotated[str, Depends(_need_context_late)]):
    count()
    return {"seen": _variable.get()}


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@router.get("/thread")
def thread():
    """A plain handler runs on a thread without a loop, from which anyio finds back."""
    count()
    anyio.from_thread.run(anyio.sleep, 0)
    there = anyio.from_thread.run_sync(_loop_runs)
    return {"loop": _loop_runs(), "main": threading.current_thread() is threading.main_thread(),
            "there": there}  # fmt: skip


@router.get("/loop")
async def loop(step: int = 0):
    """A coroutine runs as a task on a loop, whether or not it waited before."""
    count()
    for _ in range(min(step, 10)):
        await asyncio.sleep(0)
    task = asyncio.current_task()
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 0)
    await asyncio.wait_for(asyncio.sleep(0), 5)
    with anyio.fail_after(5):
        there = await anyio.to_thread.run_sync(_loop_runs)
    in_executor = await asyncio.get_running_loop().run_in_executor(None, _loop_runs)
    return {"loop": _loop_runs(), "task": task is not None, "there": there, "executor": in_executor,
            "cancelling": task is not None and not task.done()}  # fmt: skip


@router.get("/first-step")
async def first_step(how: str = "gather"):
    """Things that need the task at the very first step."""
    count()
    if how == "gather":
        return await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2))
    if how == "timeout":
        with anyio.move_on_after(0.001) as scope:
            await anyio.sleep(60)
        return scope.cancelled_caught
    if how == "shield":
        return await asyncio.shield(asyncio.sleep(0, 3))
    if how == "future":
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 4)
        return await future
    if how == "wait-for":
        try:
            await asyncio.wait_for(asyncio.sleep(60), 0.001)
        except asyncio.TimeoutError as error:
            return type(error).__name__
    if how == "name":
        asyncio.current_task().set_name("own")  # type: ignore[union-attr]
        return asyncio.current_task().get_name()  # type: ignore[union-attr]
    return None


@router.get("/cancelled")
async def cancelled():
    """A task of the handler's own that is cancelled."""
    count()
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return {"cancelled": True}


@router.get("/once/{key}")
def once(key: str, result: str = "nan"):
    """Runs once, though what it returns cannot be written."""
    count()
    _note(key, result)
    return {"nan": float("nan"), "surrogate": "\ud800", "key": {(1, 2): 3}}.get(result)
