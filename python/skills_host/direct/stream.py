"""Streaming responses, sent without the tasks that Starlette runs for each.

Starlette streams in one task of a group and listens for the client's disconnect in another, which
cancels the first. Here the host reports the disconnect, and the scope of the one task is cancelled.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from skills_host.direct import answer

if TYPE_CHECKING:
    from _skills_host import Call
    from skills_host.asgi import Waiters
    from skills_host.contract import Message
    from skills_host.direct.hops import Hops


def is_plain(response: Any) -> bool:
    """Returns true for a response that streams as Starlette's own class does."""
    own = _class()
    return own is not None and type(response).__call__ is own.__call__


async def send(call: Call, waiters: Waiters, hops: Hops, response: Any) -> None:
    """Sends a response until its end, or until the client has gone; then runs its tasks.

    As with Starlette, the stream is a task with a context of its own.
    """
    await asyncio.get_running_loop().create_task(_stream(call, waiters, hops, response))
    waiters.forget_waiting(call.id)
    if response.background is not None:
        await answer.background_on_loop(response.background, hops)


async def _stream(call: Call, waiters: Waiters, hops: Hops, response: Any) -> None:
    from anyio import CancelScope

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.start(message["status"], message["headers"])
            return
        body = message["body"]
        if not isinstance(body, (bytes, bytearray)):
            body = bytes(body)
        hops.hold()
        room = call.write(body, message["more_body"])
        while not room and call.is_full():
            await waiters.wait(call.id)

    with CancelScope() as scope:
        _end_with_client(call, waiters, scope)
        await response.stream_response(send)


def _end_with_client(call: Call, waiters: Waiters, scope: Any) -> None:
    """Has `scope` cancelled once the client has gone."""
    while (message := call.receive()) is not None:
        if message["type"] == "http.disconnect":
            scope.cancel()
            return

    def woken(_: asyncio.Future[None]) -> None:
        if not scope.cancel_called and not call.ended:
            _end_with_client(call, waiters, scope)

    waiters.future(call.id).add_done_callback(woken)


@functools.cache
def _class() -> type[Any] | None:
    """Returns Starlette's class, unless its exceptions come as groups of the two tasks."""
    from starlette import responses

    collapses = ("create_collapsing_task_group", "collapse_excgroups")
    is_known = any(hasattr(responses, name) for name in collapses)
    return responses.StreamingResponse if is_known else None
