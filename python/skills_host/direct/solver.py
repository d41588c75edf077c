"""Calls of FastAPI handlers, from the body to the last clean-up.

The order is FastAPI's. The body is read; the dependencies are called; if all values are valid, the
handler is; dependencies with the function's scope are closed; the answer is sent; background tasks
run; dependencies with the request's scope are closed. Exceptions pass through the dependencies
that are open, and are answered behind them.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from skills_host.direct import answer, body, steps, stream
from skills_host.direct.hops import Hops, called
from skills_host.files import is_plain_file, read_metadata
from skills_host.plan import internals
from skills_host.plan.result import has_body

if TYPE_CHECKING:
    from skills_host.direct.run import Run
    from skills_host.direct.steps import AsyncStacks

#: FastAPI's own text.
_SWALLOWED = (
    "Response not awaited. There's a high chance that the application code is raising an "
    "exception and a dependency with yield has a block with a bare except, or a block with "
    "except Exception, and is not raising the exception again. Read more about it in the docs: "
    "https://fastapi.tiangolo.com/tutorial/dependencies/dependencies-with-yield/"
    "#dependencies-with-yield-and-except"
)


class _Value(NamedTuple):
    """A validated result that is not serialized yet."""

    value: Any


class Solver:
    """Carries out calls on one loop and in the pool.

    Args:
        hops: The way to the pool.
        response_type: The class of responses.
    """

    def __init__(self, hops: Hops, response_type: type[Any]) -> None:
        self._hops = hops
        self._response_type = response_type

    async def call(self, run: Run, begin: int = 0) -> None:
        """Carries out a call on the loop, the steps before `begin` being done, and answers it."""
        plan = run.plan
        if not plan.has_generators:
            await self._without_stacks(run, begin)
            return
        files, late, early = AsyncExitStack(), AsyncExitStack(), AsyncExitStack()
        run.open(files, late, early)
        async with files:
            files.push_async_callback(body.close, run)
            is_sent = False
            async with late:
                async with early:
                    response = await self._response(run, (late, early), begin)
                await self._send(run, response)
                is_sent = True
            if not is_sent:
                raise _swallowed()

    async def _without_stacks(self, run: Run, begin: int) -> None:
        """Carries out a call of which nothing is closed but files."""
        if run.plan.takes_request:
            run.open(AsyncExitStack(), AsyncExitStack(), AsyncExitStack())
        try:
            await self._send(run, await self._response(run, None, begin))
        finally:
            # A request has the stacks, in which only code that knows FastAPI's own puts anything.
            for stack in reversed(run.stacks):
                if stack._exit_callbacks:  # type: ignore[attr-defined]
                    await stack.aclose()
            await body.close(run)

    def call_now(self, run: Run) -> Callable[[], Coroutine[Any, Any, None]] | None:
        """Carries out a call on this thread of the pool, as far as it belongs here.

        Returns:
            What makes the rest, a coroutine for the loop; `None` if the call is answered.
        """
        plan = run.plan
        if plan.body is not None and not body.read_now(run):
            return lambda: self.call(run)
        if not plan.tree.runs_on_pool:
            with ExitStack() as files:
                if run.form is not None:
                    files.callback(body.close_now, run.form)
                begin = steps.on_this_thread(run, None)
                # The loop closes them.
                files.pop_all()
            return lambda: self.call(run, begin)
        if plan.takes_request:
            run.open(AsyncExitStack(), AsyncExitStack(), AsyncExitStack())
        is_sent = False
        with ExitStack() as files, ExitStack() as late:
            if run.form is not None:
                files.callback(body.close_now, run.form)
            with ExitStack() as early:
                steps.on_this_thread(run, (late, early))
                response = self._handled(run, contextvars.copy_context())
                if not self._goes_now(response):
                    return self._rest(run, response, early.pop_all(), late.pop_all(), files)
            background = self._send_simple(run, response)
            if background is not None and not answer.run_background(background):
                return self._background(background, late.pop_all(), files)
            is_sent = True
        if not is_sent:
            raise _swallowed()
        return None

    def _rest(
        self, run: Run, response: Any, early: ExitStack, late: ExitStack, files: ExitStack
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        """Returns what makes and sends a response on the loop, and closes what is open."""
        open_files = files.pop_all()

        async def finish() -> None:
            is_sent = False
            with open_files:
                async with _Closing(self._hops, late, run.plan.has_generators):
                    async with _Closing(self._hops, early, run.plan.has_generators):
                        made = self._made(run, response)
                    await self._send(run, made)
                    is_sent = True
                if not is_sent:
                    raise _swallowed()

        return finish

    def _background(
        self, background: Any, late: ExitStack, files: ExitStack
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        """Returns what runs background tasks on the loop, and closes what is open."""
        open_files = files.pop_all()

        async def finish() -> None:
            with open_files:
                async with _Closing(self._hops, late, True):
                    await background()

        return finish

    async def _response(self, run: Run, stacks: AsyncStacks | None, begin: int) -> Any:
        """Calls the dependencies and the handler; returns the response, or JSON bytes of one."""
        plan = run.plan
        if plan.body is not None and run.data is None and run.form is None:
            await body.read(run)
        if begin < len(plan.tree.steps):
            await steps.on_loop(run, self._hops, stacks, begin)
        last = plan.tree.last
        if not last.on_pool:
            arguments = await steps.solved(last, run)
            self._refuse_invalid(run)
            return self._made(run, self._result(run, await last.call(**arguments or {}), None))
        if not steps.begins_on_loop(run, last):
            context = contextvars.copy_context()
            return self._made(run, await self._hops.run(lambda: self._handled(run, context)))
        arguments = await steps.solved(last, run)
        self._refuse_invalid(run)
        context = contextvars.copy_context()
        call = functools.partial(called, context, last.call, arguments or {})
        return self._made(run, await self._hops.run(lambda: self._result(run, call(), context)))

    def _handled(self, run: Run, context: contextvars.Context) -> Any:
        """Calls a `def` handler on this thread of the pool; see `_result`."""
        last = run.plan.tree.last
        arguments = last.arguments(run)
        self._refuse_invalid(run)
        return self._result(run, called(context, last.call, arguments or {}), context)

    def _refuse_invalid(self, run: Run) -> None:
        """Raises what FastAPI raises for values that are not valid."""
        if run.errors:
            context = internals.context(run.plan.route, run.call.method)
            raise internals.invalid(run.errors, run.body, context)

    def _result(self, run: Run, result: Any, context: contextvars.Context | None) -> Any:
        """Returns a response as it is, JSON bytes, or a value that is validated.

        Args:
            run: The call.
            result: The result of its handler.
            context: The context of validation on a thread of the pool.
        """
        data = run.call.json(result)
        if isinstance(result, self._response_type):
            if result.background is None:
                result.background = run.background
            return result
        checks = run.plan.result
        if checks.is_json and has_body(answer.status_of(run) or 200):
            if data is not None:
                return data
            if context is None or checks.is_pure:
                return checks.json(checks.validated(result, run.call))
        if context is None or not checks.has_field:
            return _Value(checks.validated(result, run.call))
        return _Value(called(context, checks.validated, {"result": result, "call": run.call}))

    def _made(self, run: Run, response: Any) -> Any:
        """Returns the response, or JSON bytes of one, that `_result` returned."""
        if type(response) is not _Value:
            return response
        checks, status = run.plan.result, answer.status_of(run)
        if checks.is_json and has_body(status or 200):
            return checks.json(response.value)
        made = checks.response(response.value, status, run.background)
        if run.response is not None:
            made.headers.raw.extend(run.response.headers.raw)
        return made

    async def _send(self, run: Run, response: Any) -> None:
        """Sends a response and runs its background tasks."""
        if self._goes_now(response):
            background = self._send_simple(run, response)
            if background is not None:
                await answer.background_on_loop(background, self._hops)
            return
        if stream.is_plain(response):
            await stream.send(run.call, run.loop.waiters, self._hops, response)
            return
        receive, send = run.channel()
        if is_plain_file(response):
            read_metadata(response)
            # Nothing between the response and the connection looks at what is sent.
            await response(run.call.scope(True), receive, send)
        else:
            await response(run.scope, receive, send)

    def _goes_now(self, response: Any) -> bool:
        """Returns true for a response that is sent in one step."""
        kind = type(response)
        return kind is bytes or (kind is not _Value and answer.is_simple(response))

    def _send_simple(self, run: Run, response: Any) -> Any:
        """Sends a response in one step; returns its background tasks."""
        if type(response) is bytes:
            answer.json(run, response)
            return run.background
        answer.send_simple(run.call, response)
        return response.background


class _Closing:
    """Closes generators that were opened on the pool, there, if there may be any."""

    def __init__(self, hops: Hops, stack: ExitStack, is_used: bool) -> None:
        self._hops = hops
        self._stack = stack
        self._is_used = is_used

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(self, *error: Any) -> bool:
        if not self._is_used:
            return False
        from anyio import CancelScope

        context = contextvars.copy_context()
        exit_ = functools.partial(context.run, self._stack.__exit__, *error)
        is_handled = False
        with CancelScope(shield=True):
            is_handled = bool(await self._hops.run(exit_, is_cleanup=True))
        return is_handled


def _swallowed() -> Exception:
    from fastapi.exceptions import FastAPIError

    return FastAPIError(_SWALLOWED)
