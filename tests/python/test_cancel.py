"""Cancellation of calls: by the application, by a handler that is called directly, or neither."""

import asyncio
import contextvars
from types import SimpleNamespace

import direct_calls
import fastapi
import pytest

from skills_host.asgi import Waiters
from skills_host.direct.runner import Runner
from skills_host.eager import Tasks


class Call(direct_calls.Call):
    """A call whose handler has no parameters, and whose body was read."""

    def __init__(self, plan=None):
        super().__init__(plan)
        self._body = None

    def arguments(self, binder):
        return {}

    def finish(self, result):
        self.started = True
        self.close()
        return True


class Loop:
    """A loop with what a worker has on it.

    Args:
        handler: A handler without parameters, which the application serves at `/x`.
        direct: Whether it is called directly instead.
    """

    def __init__(self, handler, direct):
        self.loop = asyncio.new_event_loop()
        self.waiters = Waiters()
        app = fastapi.FastAPI()
        app.get("/x")(handler)
        tree = SimpleNamespace(steps=(), handler=handler)
        plan = SimpleNamespace(binder=None, tree=tree, is_plain=True)
        plugin = SimpleNamespace(
            app=app,
            plans=[plan],
            response_type=fastapi.Response,
            is_traced=None,
            is_fastapis=True,
            sends_files=False,
        )
        tasks = Tasks(self.loop)
        runner = Runner(plugin, self.waiters, tasks, contextvars.copy_context(), {}, None)
        self.dispatcher = runner.dispatcher(None)
        self.call = Call(0 if direct else None)

    def run(self, act):
        """Begins the call, runs `act` when its handler waits, and waits until it is closed."""

        async def until_closed():
            while not self.call.is_closed:
                await asyncio.sleep(0)

        def begin():
            self.dispatcher.begin(self.call)
            self.loop.call_later(0.01, act)

        self.loop.call_soon(begin)
        try:
            self.loop.run_until_complete(asyncio.wait_for(until_closed(), 30))
        finally:
            self.loop.close()

    def cancel(self):
        """Cancels the call, as the host does."""
        self.call.cancelled = True
        self.waiters.wake(self.call.id)


@pytest.mark.parametrize("direct", [True, False])
def test_a_handler_that_waits_is_cancelled_once_and_tidies_up(direct):
    seen = []

    async def handler():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            # A second wake, of the connection that is gone, must not interrupt this.
            await asyncio.sleep(0.01)
            raise
        finally:
            seen.append("ended")

    own = Loop(handler, direct)

    def twice():
        own.cancel()
        own.loop.call_soon(own.waiters.wake, own.call.id)

    own.run(twice)
    assert seen == ["cancelled", "ended"]
    assert not own.waiters._tasks and not own.waiters._waiting


def test_dependencies_are_closed():
    seen = []

    async def resource():
        try:
            yield 1
        finally:
            seen.append("closed")

    async def handler(value: int = fastapi.Depends(resource)):
        await asyncio.Event().wait()

    own = Loop(handler, direct=False)
    own.run(own.cancel)
    assert seen == ["closed"]


def test_an_application_sees_a_disconnect():
    seen = []

    async def handler(request: fastapi.Request):
        try:
            await asyncio.Event().wait()
        finally:
            seen.append(await request.is_disconnected())

    own = Loop(handler, direct=False)
    own.run(own.cancel)
    assert seen == [True]


@pytest.mark.parametrize("direct", [True, False])
def test_a_wake_without_a_cancellation_cancels_nothing(direct):
    gate = None

    async def handler():
        nonlocal gate
        gate = asyncio.Event()
        await gate.wait()
        return "done"

    own = Loop(handler, direct)

    def go_on():
        own.waiters.wake(own.call.id)
        gate.set()

    own.run(go_on)
    assert own.call.started
    assert not own.waiters._tasks


def test_a_handler_that_does_not_wait_is_not_remembered():
    async def handler():
        return "done"

    own = Loop(handler, direct=True)
    remembered = []
    own.waiters.began = lambda *parts: remembered.append(parts)
    own.run(lambda: None)
    assert own.call.started and not remembered


def test_a_call_that_is_cancelled_before_its_rest_arrives_is_cancelled_then():
    seen = []

    async def handler():
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    own = Loop(handler, direct=True)
    own.cancel()
    own.run(lambda: None)
    assert seen == ["ended"]
