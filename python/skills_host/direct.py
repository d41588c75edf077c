"""Direct calls: a handler is called with bound values, and its result written as JSON.

Everything around the handler is as in FastAPI: the request's own context, `HTTPException` and
other exceptions that have handlers, `Response` objects, background tasks of those, response
models. Results that the library cannot write as JSON are finished here, on the plugin's loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from skills_daemon._call import current
from skills_daemon.logging import request_id_ctx
from skills_host.asgi import Waiters, channel, last_resort, serve
from skills_host.contract import Plan, Plugin
from skills_host.eager import Tasks
from skills_host.files import read_metadata

if TYPE_CHECKING:
    from _skills_host import Call

logger = logging.getLogger("skills_host.direct")


class Runner:
    """Serves requests to one plugin on one loop.

    Args:
        plugin: The plugin; its application serves requests that no plan fits.
        waiters: The coroutines of the loop that wait for a request.
        tasks: The loop's in-flight requests.
        context: The context that each request runs in a copy of.
        state: Initial state of each request, which is copied.
    """

    def __init__(
        self,
        plugin: Plugin,
        waiters: Waiters,
        tasks: Tasks,
        context: contextvars.Context,
        state: Mapping[str, Any],
    ) -> None:
        self._app = plugin.app
        self._plans = plugin.plans
        self._waiters = waiters
        self._tasks = tasks
        self._context = context
        self._response = plugin.response_type
        self._state = state
        self._sends_files = plugin.sends_files

    def run(self, call: Call) -> None:
        """Begins to serve a request: directly, or by the application where no plan fits."""
        context = self._own_context(call)
        number = call.plan
        if number is None:
            self._begin(call, self._serve(call), context)
            return
        plan = self._plans[number]
        try:
            arguments = context.run(call.arguments, plan.binder)
        except Exception as error:
            self._begin(call, self.fail(call, error), context)
            return
        if arguments is None or (plan.tree.steps and self._app.dependency_overrides):
            self._begin(call, self._serve(call), context)
        else:
            self._call(call, plan, plan.tree.call(arguments), context)

    def run_sync(self, call: Call) -> Callable[[], None] | None:
        """Begins to serve a request on a thread of the pool, in the request's context.

        Returns:
            The rest of the work, to be run on the loop; `None` if the request is answered.
        """
        number = call.plan
        assert number is not None, "requests without a plan run on the loop"
        plan = self._plans[number]
        tree = plan.tree
        try:
            arguments = call.arguments(plan.binder)
            if arguments is None or (tree.steps and self._app.dependency_overrides):
                return lambda: self._start(call, self._serve(call))
            arguments = tree.solve(arguments)
            if tree.is_async:
                return lambda: self._call(
                    call, plan, tree.handler(**arguments), self._own_context(call)
                )
            result = tree.handler(**arguments)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and call.cancelled:
                # The caller has gone.
                call.close()
                return None
            if isinstance(error, StopIteration):
                # As from Starlette's pool: a coroutine cannot raise it.
                error = RuntimeError("coroutine raised StopIteration")
            # The name of an exception ends with its clause.
            failure = error
            return lambda: self._start(call, self.fail(call, failure))
        if call.finish(result):
            return None
        return lambda: self._start(call, self.finish(call, plan, result))

    def _serve(self, call: Call) -> Coroutine[Any, Any, None]:
        """Serves a request by the plugin's application."""
        return serve(self._app, call, self._waiters, self._state, files=self._sends_files)

    def _own_context(self, call: Call) -> contextvars.Context:
        """Returns a new context for a request, in which its id is set."""
        return call.context(self._context, request_id_ctx, current)

    def _start(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        self._begin(call, work, self._own_context(call))

    def _begin(
        self, call: Call, work: Coroutine[Any, Any, None], context: contextvars.Context
    ) -> None:
        """Runs the work of a call as a task, which is cancelled with the call."""
        task = self._tasks.start(work, context)
        if not task.done():
            self._waiters.began(call, task)
            task.add_done_callback(lambda _: self._waiters.forget(call.id), context=self._context)

    def _call(
        self, call: Call, plan: Plan, work: Coroutine[Any, Any, Any], context: contextvars.Context
    ) -> None:
        """Runs a handler as a task of its own; one that does not wait is answered at once."""
        try:
            task = self._tasks.start(work, context)
        except (SystemExit, KeyboardInterrupt) as error:
            # A task passes these on, besides ending with them.
            self._begin(call, self.fail(call, error), context)
            return
        if task.done():
            self._done(task, call, plan, context)
        else:
            self._waiters.began(call, task)
            task.add_done_callback(
                lambda task: self._done_later(task, call, plan, context), context=self._context
            )

    def _done_later(
        self, task: asyncio.Task[Any], call: Call, plan: Plan, context: contextvars.Context
    ) -> None:
        """Answers with the result of a handler that waited."""
        self._waiters.forget(call.id)
        self._done(task, call, plan, context)

    def _done(
        self, task: asyncio.Task[Any], call: Call, plan: Plan, context: contextvars.Context
    ) -> None:
        """Answers with the result or the exception of a handler."""
        try:
            result = task.result()
        except asyncio.CancelledError:
            # By the handler itself, because the call was cancelled, or because the plugin ends.
            call.close()
        except BaseException as error:
            self._begin(call, self.fail(call, error), context)
        else:
            if not call.finish(result):
                self._begin(call, self.finish(call, plan, result), context)

    async def finish(self, call: Call, plan: Plan, result: Any) -> None:
        """Answers with a result that is not plain JSON."""
        try:
            if not isinstance(result, self._response):
                result = plan.encode(result)
            if isinstance(result, bytes):
                call.answer(plan.status, result)
            else:
                await self._send(call, result)
        except (Exception, SystemExit) as error:
            await self.fail(call, error)

    async def fail(self, call: Call, error: BaseException) -> None:
        """Answers by the handler of the exception's type; logs an exception without one."""
        handlers = self._app.exception_handlers
        last = handlers[Exception]
        handler = next((handlers[t] for t in type(error).__mro__ if t in handlers), last)
        if handler is not last and not call.started:
            try:
                # None of FastAPI's handlers looks at the request.
                await self._send(call, await handler(None, error))
                return
            except Exception as another:
                error = another
        logger.error("unhandled exception in %s", call.path, exc_info=error)
        try:
            if not call.started:
                await self._send(call, await last(None, error))
        except Exception:
            logger.exception("the answer to %s could not be made", call.path)
            last_resort(call)
        finally:
            # An answer that was begun is cut off.
            call.close()

    async def _send(self, call: Call, response: Any) -> None:
        """Sends a response and runs its background tasks."""
        receive, send = channel(call, self._waiters)
        try:
            read_metadata(response)
            # Nothing between the response and the connection looks at what is sent.
            await response(call.scope(True), receive, send)
        finally:
            self._waiters.forget(call.id)
        call.close()
