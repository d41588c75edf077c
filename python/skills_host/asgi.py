"""One request as an ASGI call."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from skills_host.contract import Application, Message, Receive, Send

if TYPE_CHECKING:
    from _skills_host import Call

logger = logging.getLogger("skills_host.asgi")


class Waiters:
    """Coroutines that wait for a piece of a request's body, or for room in its answer.

    And the tasks of calls that were not done after their first step, which alone can be cancelled.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}
        self._tasks: dict[int, tuple[Call, asyncio.Task[Any]]] = {}

    def began(self, call: Call, task: asyncio.Task[Any]) -> None:
        """Remembers the task of a call until `forget`."""
        self._tasks[call.id] = call, task
        # The rest of a call from a thread of the pool may come after the wake of its cancellation.
        if call.cancelled:
            self.wake(call.id)

    async def wait(self, call_id: int) -> None:
        """Waits for the next `wake` of the same call."""
        await self.future(call_id)

    def future(self, call_id: int) -> asyncio.Future[None]:
        """Returns a future that is done with the next `wake` of the same call."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(call_id, []).append(future)
        return future

    def wake(self, call_id: int) -> None:
        """Wakes all waiting coroutines of the call; cancels its task if the call was cancelled."""
        for future in self._waiting.pop(call_id, ()):
            if not future.done():
                future.set_result(None)
        call, task = self._tasks.get(call_id, (None, None))
        if call is not None and task is not None and call.cancelled:
            # Once: a handler may catch it, and tidy up for as long as it likes.
            del self._tasks[call_id]
            task.cancel()

    def forget_waiting(self, call_id: int) -> None:
        """Removes the futures of a call, which are never done then."""
        self._waiting.pop(call_id, None)

    def forget(self, call_id: int) -> None:
        """Removes the entries of a call that has ended."""
        self.forget_waiting(call_id)
        self._tasks.pop(call_id, None)


def channel(call: Call, waiters: Waiters) -> tuple[Receive, Send]:
    """Returns the `receive` and `send` of an ASGI call."""

    async def receive() -> Message:
        while (message := call.receive()) is None:
            await waiters.wait(call.id)
        return message

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.start(message["status"], message.get("headers", ()))
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            if not isinstance(body, (bytes, bytearray)):
                # A `memoryview`, which Starlette passes on as it is.
                body = bytes(body)
            room = call.write(body, message.get("more_body", False))
            while not room and call.is_full():
                await waiters.wait(call.id)
        elif message["type"] == "http.response.pathsend":
            call.send_file(message["path"])
            # What comes after, a background task for example, may remove or change the file.
            while not call.is_sent():
                await waiters.wait(call.id)

    return receive, send


async def serve(app: Application, call: Call, waiters: Waiters, scope: Message) -> None:
    """Runs `app` for one request; a request without an answer gets a 500.

    Args:
        app: An ASGI application.
        call: The request and its answer.
        waiters: The coroutines of the loop that wait for a request.
        scope: The request's scope.
    """
    receive, send = channel(call, waiters)
    try:
        await app(scope, receive, send)
    except Exception:
        # FastAPI's outermost layer answers first and raises then, so that the server can log.
        logger.exception("unhandled exception in %s", call.path)
    finally:
        waiters.forget(call.id)
        last_resort(call)
        call.close()


def last_resort(call: Call) -> None:
    """Answers 500 to a request that its application left unanswered, as ASGI servers do."""
    if not call.started:
        call.start(500, [(b"content-type", b"text/plain; charset=utf-8")])
        call.write(b"Internal Server Error", False)
