"""Direct calls: a handler is called with bound values, and its result written as JSON.

Everything around the handler is as in FastAPI: the request's own context, `HTTPException` and
other exceptions that have handlers, `Response` objects, background tasks of those, response
models. What the library cannot write by itself is finished here, on the plugin's loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import TYPE_CHECKING, Any

from skills_daemon.logging import request_id_ctx
from skills_host.asgi import Waiters, channel, last_resort, serve
from skills_host.eager import Tasks
from skills_host.plan import Plan

if TYPE_CHECKING:
    from _skills_host import Call

logger = logging.getLogger("skills_host.direct")


class Runner:
    """Serves requests to one plugin on one loop.

    Args:
        app: The plugin's application, for what has no plan or does not satisfy it.
        plans: The plans, by number.
        waiters: Where the loop reports that a request moved.
        tasks: The loop's requests under way.
        context: What the context of each request is a copy of.
    """

    def __init__(
        self,
        app: Any,
        plans: list[Plan],
        waiters: Waiters,
        tasks: Tasks,
        context: contextvars.Context,
    ) -> None:
        from fastapi.responses import Response

        self._app = app
        self._plans = plans
        self._waiters = waiters
        self._tasks = tasks
        self._context = context
        self._response = Response

    def run(self, call: Call) -> None:
        """Begins to serve a request: directly if it has a plan for an `async def` handler."""
        context = call.context(self._context, request_id_ctx)
        number = call.plan
        if number is None:
            self._tasks.start(serve(self._app, call, self._waiters), context)
            return
        plan = self._plans[number]
        try:
            arguments = context.run(call.arguments, plan.binder)
            if arguments is None:
                self._tasks.start(serve(self._app, call, self._waiters), context)
                return
            work = plan.endpoint(**arguments)
        except Exception as error:
            self._tasks.start(self.fail(call, error), context)
            return
        # The handler's own coroutine is the task: one that does not wait is done here.
        try:
            task = self._tasks.start(work, context)
        except (SystemExit, KeyboardInterrupt) as error:
            # A task passes these on, besides ending with them.
            self._tasks.start(self.fail(call, error), context)
            return
        if task.done():
            self._done(task, call, plan, context)
        else:
            task.add_done_callback(
                lambda task: self._done(task, call, plan, context), context=self._context
            )

    def _done(
        self, task: asyncio.Task[Any], call: Call, plan: Plan, context: contextvars.Context
    ) -> None:
        """Answers with what a handler returned or raised."""
        try:
            result = task.result()
        except asyncio.CancelledError:
            # By the handler itself, or because the plugin ends.
            call.close()
        except BaseException as error:
            self._tasks.start(self.fail(call, error), context)
        else:
            if not call.finish(result):
                self._tasks.start(self.finish(call, plan, result), context)

    def go_on(self, call: Call, plan: Plan | None, rest: Any) -> None:
        """Does on the loop what a thread of the pool left to do."""
        context = call.context(self._context, request_id_ctx)
        if plan is not None:
            work = self.finish(call, plan, rest)
        elif rest is not None:
            work = self.fail(call, rest)
        else:
            work = serve(self._app, call, self._waiters)
        self._tasks.start(work, context)

    def run_sync(self, call: Call) -> tuple[Any, ...] | None:
        """Runs a `def` handler on a thread of the pool, called in the request's context.

        Returns:
            What is left to do on the loop: `(call, None, None)` for all of it, `(call, plan,
            result)` to finish, or `(call, None, error)`; `None` if the request is answered.
        """
        plan = self._plans[call.plan]
        try:
            arguments = call.arguments(plan.binder)
            if arguments is None:
                return (call, None, None)
            result = plan.endpoint(**arguments)
        except StopIteration:
            # As from Starlette's pool: a coroutine cannot raise it.
            return (call, None, RuntimeError("coroutine raised StopIteration"))
        except BaseException as error:
            return (call, None, error)
        return None if call.finish(result) else (call, plan, result)

    async def finish(self, call: Call, plan: Plan, result: Any) -> None:
        """Answers with a result that is not plain JSON."""
        try:
            if isinstance(result, self._response):
                await self._send(call, result)
            else:
                call.answer(plan.status, plan.encode(result))
        except Exception as error:
            await self.fail(call, error)

    async def fail(self, call: Call, error: BaseException) -> None:
        """Answers as the handler for the exception's type does, and logs what has none."""
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
            await response(call.scope(), receive, send)
        finally:
            self._waiters.forget(call.id)
        call.close()
