"""The steps of a call: its dependencies and its handler, on the loop and on the pool.

Functions and generators of the `def` kind run on threads, each in a copy of the context of the
call; those that follow one another share one visit of the pool. Coroutines and async generators
run on the loop, in the context of the call itself.
"""

from __future__ import annotations

import contextvars
import functools
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any

from skills_host.direct.hops import Hops, called
from skills_host.plan import internals
from skills_host.plan.step import MISSING, Step

if TYPE_CHECKING:
    from types import TracebackType

    from skills_host.direct.run import Run

#: The stacks of what is closed after the answer and before it, of either kind.
Stacks = tuple[ExitStack, ExitStack]
AsyncStacks = tuple[AsyncExitStack, AsyncExitStack]


def on_this_thread(run: Run, stacks: Stacks | None) -> int:
    """Runs the first steps, as far as they belong on the pool; returns the first that does not.

    On a thread of the pool, in the call's context.
    """
    context = contextvars.copy_context()

    def opened(step: Step, manager: Any) -> Any:
        value = called(context, manager.__enter__, {})

        def close(*error: Any) -> bool | None:
            if _is_left_open(error[1]):
                return False
            closed: bool | None = context.copy().run(manager.__exit__, *error)
            return closed

        assert stacks is not None, "without, no generator is opened"
        stacks[step.closes_early].push(close)
        return value

    return _visit(run, 0, context, opened if stacks else None)


async def on_loop(run: Run, hops: Hops, stacks: AsyncStacks | None, begin: int = 0) -> None:
    """Runs the steps from `begin`, those that belong on the pool there."""
    steps = run.plan.tree.steps
    while begin < len(steps):
        step = steps[begin]
        if step.on_pool and not begins_on_loop(run, step):
            begin = await _visited(run, hops, stacks, begin)
            continue
        begin += 1
        if not begins_on_loop(run, step) and _is_shared(step, run):
            continue
        arguments = await solved(step, run)
        if arguments is not None:
            run.results[step.number] = await _result(run, hops, stacks, step, arguments)


async def solved(step: Step, run: Run) -> dict[str, Any] | None:
    """Returns the arguments of a step; `None` if they are invalid."""
    waits = run.form is not None and step.reads_files
    return await step.solved(run) if waits else step.arguments(run)


async def _result(
    run: Run, hops: Hops, stacks: AsyncStacks | None, step: Step, arguments: dict[str, Any]
) -> Any:
    """Calls a step with its arguments, unless an earlier one has its result."""
    if step.first is not None and run.results[step.first] is not MISSING:
        return run.results[step.first]
    if step.kind == "coroutine":
        return await step.call(**arguments)
    if step.kind == "async generator":
        assert stacks is not None, "a call with generators has stacks"
        return await stacks[step.closes_early].enter_async_context(step.manager(**arguments))
    context = contextvars.copy_context()
    if step.kind == "function":
        return await hops.run(lambda: called(context, step.call, arguments))
    manager = step.manager(**arguments)
    value = await hops.run(lambda: called(context, manager.__enter__, {}))
    _push(stacks, step, hops, manager)
    return value


async def _visited(run: Run, hops: Hops, stacks: AsyncStacks | None, begin: int) -> int:
    """Runs the steps from `begin` that follow one another on the pool in one visit."""
    context = contextvars.copy_context()

    def opened(step: Step, manager: Any) -> Any:
        value = called(context, manager.__enter__, {})
        _push(stacks, step, hops, manager)
        return value

    return await hops.run(lambda: _visit(run, begin, context, opened))


def _visit(
    run: Run,
    begin: int,
    context: contextvars.Context,
    opened: Callable[[Step, Any], Any] | None,
) -> int:
    """Runs steps on this thread, as long as they belong here; `opened` enters a generator.

    Without it, generators do not belong here.
    """
    steps, results = run.plan.tree.steps, run.results
    while begin < len(steps):
        step = steps[begin]
        if not step.on_pool or begins_on_loop(run, step):
            break
        if opened is None and step.kind == "generator":
            break
        begin += 1
        if _is_shared(step, run):
            continue
        arguments = step.arguments(run)
        if arguments is None:
            continue
        if step.kind == "function":
            results[step.number] = called(context, step.call, arguments)
        elif opened is not None:
            results[step.number] = opened(step, step.manager(**arguments))
    return begin


def _is_shared(step: Step, run: Run) -> bool:
    """Takes the result of an earlier step; false if there is none, or it is to be repeated."""
    if step.first is None:
        return False
    result = run.results[step.first]
    if result is MISSING:
        return False
    # Its parameters may have effects, or errors, every time.
    if not step.must_repeat or step.arguments(run) is not None:
        run.results[step.number] = result
    return True


def begins_on_loop(run: Run, step: Step) -> bool:
    """Returns true if the arguments of a step are made on the loop.

    Code of the plugin may validate them, or files of a form have to be waited for.
    """
    return step.solves_on_loop or (run.form is not None and step.reads_files)


def _is_left_open(error: BaseException | None) -> bool:
    return not (error is None or isinstance(error, Exception) or internals.closes_always())


def _push(stacks: AsyncStacks | None, step: Step, hops: Hops, manager: Any) -> None:
    """Has a generator closed on a thread of the pool."""
    assert stacks is not None, "a call with generators has stacks"

    async def close(
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if _is_left_open(error):
            return False
        from anyio import CancelScope

        context = contextvars.copy_context()
        exit_ = functools.partial(context.run, manager.__exit__, kind, error, traceback)
        is_handled = False
        with CancelScope(shield=True):
            is_handled = bool(await hops.run(exit_, is_cleanup=True))
        return is_handled

    stacks[step.closes_early].push_async_exit(close)
