"""Carries out the calls of one loop, directly or by the application.

A handler that takes nothing but bound values is called by the library, which writes its result as
JSON, too; here is what is left of such a call, and all of the others. Everything around the handler
is as in FastAPI: the request's own context, exceptions that have handlers, `Response` objects,
background tasks of those, response models.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import _skills_host
from skills_daemon._call import current
from skills_daemon.logging import request_id_ctx
from skills_host import websocket
from skills_host.asgi import Waiters, channel, last_resort, serve
from skills_host.contract import Plan, Plugin
from skills_host.direct import failure, stream
from skills_host.direct.hops import Hops
from skills_host.eager import Tasks
from skills_host.files import read_metadata

if TYPE_CHECKING:
    from _skills_host import Call, Dispatcher, Inbox
    from skills_host.direct.run import Run

logger = logging.getLogger("skills_host.direct")

#: What FastAPI's routing adds to the scope of a request.
_ROUTED = ("starlette.exception_handlers", "router", "fastapi", "endpoint", "route")


class Runner:
    """Serves requests to one plugin on one loop.

    Args:
        plugin: The plugin; its application serves requests that no plan fits.
        waiters: The coroutines of the loop that wait for a request.
        tasks: The loop's in-flight requests.
        context: The context that each request runs in a copy of.
        state: Initial state of each request, which is copied.
        hops: The way to the pool.

    Attributes:
        waiters: The coroutines of the loop that wait for a request.
    """

    def __init__(
        self,
        plugin: Plugin,
        waiters: Waiters,
        tasks: Tasks,
        context: contextvars.Context,
        state: Mapping[str, Any],
        hops: Hops,
    ) -> None:
        self._app = plugin.app
        self._plans = plugin.plans
        self.waiters = waiters
        self._tasks = tasks
        self._context = context
        self._response = plugin.response_type
        self._state = state
        self._hops = hops
        self._solver: Any = None
        self._is_traced = plugin.is_traced
        self._is_fastapis = plugin.is_fastapis
        self._sends_files = plugin.sends_files

    def dispatcher(self, inbox: Inbox) -> Dispatcher:
        """Returns what begins the calls that come by `inbox`, with this for the rest of them."""
        plain = [(p.tree.handler, p.binder) if p.is_plain else None for p in self._plans]
        is_traced = self._is_traced
        return _skills_host.Dispatcher(
            plain,
            self._context,
            (request_id_ctx, current),
            None if is_traced is None else (is_traced.providers, is_traced),
            self._tasks.starter,
            inbox,
            self,
        )

    def run(self, call: Call) -> None:
        """Begins to serve a call that is more than that of a handler with bound values."""
        number = call.plan
        if number is None or (self._is_traced is not None and self._is_traced()):
            self._start(call, self._serve(call))
        else:
            self._start(call, self._solved(call, self._plans[number]))

    def unbound(self, call: Call, context: contextvars.Context) -> None:
        """Begins to serve a call whose values FastAPI has to judge."""
        assert call.plan is not None
        self._begin(call, self._solved(call, self._plans[call.plan]), context)

    def refused(self, call: Call, error: BaseException, context: contextvars.Context) -> None:
        """Answers an exception that came before the first step of a handler, or ends programs."""
        try:
            raise error
        except BaseException:
            self._begin(call, self.fail(call, error), context)

    def waits(
        self,
        dispatcher: Dispatcher,
        call: Call,
        task: asyncio.Task[Any],
        context: contextvars.Context,
    ) -> None:
        """Keeps the task of a handler that waits, and has `dispatcher` answer with its result."""
        self._tasks.keep(task)
        self.waiters.began(call, task)

        def done(task: asyncio.Task[Any]) -> None:
            self.waiters.forget(call.id)
            dispatcher.done(call, task, context)

        task.add_done_callback(done, context=self._context)

    def returned(self, call: Call, result: Any, context: contextvars.Context) -> None:
        """Answers with what a handler returned, which is not plain JSON."""
        if not (isinstance(result, self._response) and self._answered(call, result)):
            assert call.plan is not None
            self._begin(call, self.finish(call, self._plans[call.plan], result), context)

    def raised(self, call: Call, task: asyncio.Task[Any], context: contextvars.Context) -> None:
        """Answers the exception of a handler, which is that of its task."""
        try:
            task.result()
        except asyncio.CancelledError:
            self._cancelled(call)
            call.close()
        except BaseException as error:
            if not self._answered(call, failure.response_now(self._app, error)):
                self._begin(call, self.fail(call, error), context)

    def run_sync(self, call: Call) -> Callable[[], None] | None:
        """Begins to serve such a call on a thread of the pool, in the request's context.

        Returns:
            The rest of the work, to be run on the loop; `None` if the request is answered.
        """
        if self._is_traced is not None and self._is_traced():
            return lambda: self._start(call, self._serve(call))
        return self.unbound_sync(call)

    def unbound_sync(self, call: Call) -> Callable[[], None] | None:
        """Does what `unbound` does, on a thread of the pool; returns what `run_sync` does."""
        assert call.plan is not None, "calls without a plan run on the loop"
        try:
            return self._solved_now(call, self._plans[call.plan])
        except BaseException as error:
            return self.raised_sync(call, error)

    def returned_sync(self, call: Call, result: Any) -> Callable[[], None] | None:
        """Does what `returned` does, on a thread of the pool; returns what `run_sync` does."""
        assert call.plan is not None
        plan = self._plans[call.plan]
        try:
            if isinstance(result, self._response):
                if self._answered(call, result):
                    return None
            elif plan.encodes_anywhere:
                call.answer(plan.status, plan.encode(result, call))
                return None
        except BaseException as error:
            return self.raised_sync(call, error)
        return lambda: self._start(call, self.finish(call, plan, result))

    def raised_sync(self, call: Call, error: BaseException) -> Callable[[], None] | None:
        """Does what `raised` does, on a thread of the pool; returns what `run_sync` does."""
        if isinstance(error, KeyboardInterrupt) and call.cancelled:
            # The caller has gone.
            call.close()
            return None
        if isinstance(error, StopIteration):
            # As from Starlette's pool: a coroutine cannot raise it.
            error = RuntimeError("coroutine raised StopIteration")
        if not call.started and self._answered(call, failure.response_now(self._app, error)):
            return None
        return lambda: self._start(call, self.fail(call, error))

    def scope(self, call: Call, plan: Any) -> dict[str, Any]:
        """Returns the scope of a request that the library has routed."""
        scope = self._unrouted(call)
        scope["app"] = self._app
        scope["path_params"] = plan.path_parameters(scope["path"])
        if plan.scope is not None:
            scope.update(plan.scope)
            if "fastapi" in scope:
                scope["fastapi"] = {**scope["fastapi"]}
        return scope

    async def _serve(self, call: Call, plan: Any = None) -> None:
        """Serves a request by the plugin's application; `plan` learns what its routing does."""
        if call.is_socket:
            socket = _skills_host.Socket(call)
            await websocket.serve(self._app, call, socket, self.waiters, self._state)
            return
        call.release()
        scope = self._unrouted(call)
        await serve(self._app, call, self.waiters, scope)
        if plan is not None and scope.get("route") is getattr(
            plan.route, "original_route", plan.route
        ):
            plan.learn({key: scope[key] for key in _ROUTED if key in scope}, scope)

    def _solved(self, call: Call, plan: Any) -> Coroutine[Any, Any, None]:
        """Serves a request on the loop by a plan that is more than a handler with its values."""
        if not plan.is_solved or (plan.tree.steps and self._app.dependency_overrides):
            return self._serve(call)
        if plan.needs_scope and plan.scope is None:
            return self._serve(call, plan)
        if plan.why is not None:
            return self._routed(call, plan)
        run = self._new_run(call, plan)
        return self._carried_out(run, self._solver.call(run))

    def _solved_now(self, call: Call, plan: Any) -> Callable[[], None] | None:
        """Serves a request as far as it belongs on this thread of the pool."""
        is_ready = plan.is_solved and not (plan.needs_scope and plan.scope is None)
        if not is_ready or (plan.tree.steps and self._app.dependency_overrides):
            return lambda: self._start(call, self._solved(call, plan))
        run = self._new_run(call, plan)
        rest = self._solver.call_now(run)
        if rest is None:
            call.close()
            return None
        return lambda: self._start(call, self._carried_out(run, rest()))

    def _new_run(self, call: Call, plan: Any) -> Run:
        # Imported here, because plugins of plain functions have no FastAPI.
        from skills_host.direct.run import Run

        if self._solver is None:
            from skills_host.direct.solver import Solver

            self._solver = Solver(self._hops, self._response)
        return Run(self, call, plan, call.slots(plan.binder))

    async def _carried_out(self, run: Run, work: Coroutine[Any, Any, None]) -> None:
        """Carries out a call, and answers its exceptions."""
        call = run.call
        try:
            await work
            last_resort(call)
        except asyncio.CancelledError:
            self._cancelled(call)
        except BaseException as error:
            await self.fail(call, error, lambda: run.request)
        finally:
            self.waiters.forget(call.id)
            call.close()

    async def _routed(self, call: Call, plan: Any) -> None:
        """Serves a request by FastAPI's own handler of its route."""
        call.release()
        scope = self.scope(call, plan)
        receive, send = channel(call, self.waiters)
        try:
            async with AsyncExitStack() as files:
                if "fastapi_middleware_astack" in plan.stack_names:
                    scope["fastapi_middleware_astack"] = files
                await plan.route.handle(scope, receive, send)
        except Exception as error:
            from starlette.requests import Request

            await self.fail(call, error, lambda: Request(scope, receive, send))
        finally:
            self.waiters.forget(call.id)
            last_resort(call)
            call.close()

    def _own_context(self, call: Call) -> contextvars.Context:
        """Returns a new context for a request, in which its id is set."""
        return call.context(self._context, request_id_ctx, current)

    def _start(self, call: Call, work: Coroutine[Any, Any, None]) -> None:
        self._begin(call, work, self._own_context(call))

    def _begin(
        self, call: Call, work: Coroutine[Any, Any, None], context: contextvars.Context
    ) -> None:
        """Runs the work of a call as a task, which is cancelled with the call."""
        try:
            task = self._tasks.start(work, context)
        except (SystemExit, KeyboardInterrupt) as error:
            # A handler that calls `sys.exit()` ends itself, not the calls behind it.
            logger.warning("%s in a handler", type(error).__name__)
            return
        if not task.done():
            self.waiters.began(call, task)
            task.add_done_callback(lambda _: self.waiters.forget(call.id), context=self._context)

    def _cancelled(self, call: Call) -> None:
        """Answers as a server does, unless the call was cancelled, and not by its own handler."""
        if not call.cancelled:
            last_resort(call)

    def _answered(self, call: Call, response: Any) -> bool:
        """Sends a response of FastAPI's that nothing follows; false for any other."""
        if response is None or not self._is_fastapis or response.background is not None:
            return False
        from skills_host.direct import answer

        if not answer.is_simple(response):
            return False
        answer.send_simple(call, response)
        call.close()
        return True

    async def finish(self, call: Call, plan: Plan, result: Any) -> None:
        """Answers with a result that is not plain JSON."""
        try:
            if not isinstance(result, self._response):
                result = plan.encode(result, call)
            if isinstance(result, bytes):
                call.answer(plan.status, result)
            else:
                await self._send(call, result)
        except (Exception, SystemExit) as error:
            await self.fail(call, error)

    async def fail(
        self, call: Call, error: BaseException, request: failure.MakesRequest | None = None
    ) -> None:
        """Answers by the handler of the exception's type; logs an exception without one."""
        request = request or (lambda: self._request(call))
        try:
            try:
                response = await failure.response(self._app, call, error, request)
                if response is not None:
                    await self._send(call, response)
                    return
            except Exception as another:
                error = another
            response = await failure.last_response(self._app, call, error)
            if response is not None:
                await self._send(call, response)
        except Exception:
            failure.unanswered(call)
        finally:
            # An answer that was begun is cut off.
            call.close()

    def _request(self, call: Call) -> Any:
        """Returns a request for an exception handler."""
        from starlette.requests import Request

        scope = self._unrouted(call)
        scope["app"] = self._app
        return Request(scope, *channel(call, self.waiters))

    def _unrouted(self, call: Call) -> dict[str, Any]:
        """Returns the scope of a request as a server makes it."""
        scope = call.scope(self._sends_files)
        scope["state"] = {**self._state}
        return scope

    async def _send(self, call: Call, response: Any) -> None:
        """Sends a response and runs its background tasks."""
        if self._answered(call, response):
            return
        if self._is_fastapis and stream.is_plain(response):
            try:
                await stream.send(call, self.waiters, self._hops, response)
            finally:
                self.waiters.forget(call.id)
            call.close()
            return
        receive, send = channel(call, self.waiters)
        try:
            read_metadata(response)
            # Nothing between the response and the connection looks at what is sent.
            await response(call.scope(True), receive, send)
        finally:
            self.waiters.forget(call.id)
        call.close()
