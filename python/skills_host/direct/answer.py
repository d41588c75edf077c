"""Responses sent, and the background tasks that follow them."""

from __future__ import annotations

import contextvars
import functools
from typing import TYPE_CHECKING, Any

from skills_host.direct.hops import Hops, called

if TYPE_CHECKING:
    from _skills_host import Call
    from skills_host.direct.run import Run

_JSON = (b"content-type", b"application/json")


def json(run: Run, data: bytes) -> None:
    """Sends JSON with the status and headers of the call's own response."""
    own = run.response
    status, headers = run.plan.status, [_JSON]
    if own is not None:
        headers += own.headers.raw
        status = status_of(run) or 200
    run.call.respond(status, headers, data)


def status_of(run: Run) -> int | None:
    """Returns the status of a call's answer; `None` for that of the response class."""
    own = run.response.status_code if run.response is not None else None
    status: int | None = own or run.plan.result.status
    return status


def is_simple(response: Any) -> bool:
    """Returns true for a response that is sent by its status, headers and body alone."""
    from starlette.responses import Response

    return type(response).__call__ is Response.__call__


def send_simple(call: Call, response: Any) -> None:
    """Sends such a response, without its background tasks."""
    body = response.body
    if not isinstance(body, (bytes, bytearray)):
        body = bytes(body)
    call.respond(response.status_code, response.raw_headers, body)


def run_background(background: Any) -> bool:
    """Runs background tasks on this thread of the pool; false if they need the loop."""
    tasks = _sync_tasks(background)
    if tasks is None:
        return False
    _run_tasks(tasks, contextvars.copy_context())
    return True


async def background_on_loop(background: Any, hops: Hops) -> None:
    """Runs background tasks; functions that follow one another in one visit of the pool."""
    tasks = _sync_tasks(background)
    if tasks is None:
        await background()
    elif tasks:
        await hops.run(functools.partial(_run_tasks, tasks, contextvars.copy_context()))


def _run_tasks(tasks: list[Any], context: contextvars.Context) -> None:
    for task in tasks:
        called(context, functools.partial(task.func, *task.args, **task.kwargs), {})


def _sync_tasks(background: Any) -> list[Any] | None:
    """Returns the functions of background tasks; `None` if one is not a plain function."""
    from fastapi import BackgroundTasks
    from starlette.background import BackgroundTask
    from starlette.background import BackgroundTasks as Tasks

    kind = type(background)
    if kind is BackgroundTask:
        tasks = [background]
    elif kind in (BackgroundTasks, Tasks):
        tasks = background.tasks
    else:
        return None
    if any(type(task) is not BackgroundTask or task.is_async for task in tasks):
        return None
    return list(tasks)
