"""What happened in a request, in order: where each step ran, and what it saw of those before it."""

import asyncio
import contextvars
import threading
import weakref
from typing import Annotated

from fastapi import APIRouter, Header

router = APIRouter(prefix="/trace")

#: The request's name, which `compare.py` gives every request below `/oracle/traced/`.
Key = Annotated[str, Header(alias="x-trace")]

#: The first letters of the steps whose context came to this one.
_seen: contextvars.ContextVar[str] = contextvars.ContextVar("oracle_seen", default="")
_events: dict[str, list[str]] = {}
_tasks: dict[str, list["weakref.ref[asyncio.Task]"]] = {}
_lock = threading.Lock()


def trace(key: str, what: str) -> list[str]:
    """Notes a step of the request `key` and returns all its steps so far.

    A step is noted as `what @place <context`: the place is `thread`, `loop` (without a task) or the
    number of the task in the request, and the context is what contextvars brought there.
    """
    with _lock:
        steps = _events.setdefault(key, [])
        steps.append(f"{what} @{_place(key)} <{_seen.get()}")
    _seen.set(_seen.get() + what[:1])
    return steps


def trace_only(key: str, what: str) -> None:
    """Notes a step that may run anywhere and at any time, as what the garbage collector runs."""
    with _lock:
        _events.setdefault(f"{key} unordered", []).append(what)


def _place(key: str) -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return "thread"
    if task is None:
        return "loop"
    known = _tasks.setdefault(key, [])
    for number, reference in enumerate(known):
        if reference() is task:
            return f"task{number}"
    known.append(weakref.ref(task))
    return f"task{len(known) - 1}"


@router.get("/events")
def events() -> dict[str, list[str]]:
    """The steps of every request."""
    with _lock:
        return {key: list(steps) for key, steps in _events.items()}
