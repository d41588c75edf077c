"""A handler and its dependencies, in the order of FastAPI's calls.

FastAPI solves the dependencies of a function before its parameters, and calls it then; a function
whose parameters are not valid, or whose dependencies are not, is not called, while its siblings
are. So the tree becomes a list of steps, each behind those it needs. A dependency that occurs
twice is two steps: the second takes the result of the first, if there is one.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection
from typing import Any

from skills_host.plan import internals
from skills_host.plan.reason import Unplanned
from skills_host.plan.step import Step

#: Attributes by which FastAPI may treat a function as another kind than its code is.
_MARKS = {"__call__", "_is_coroutine", "_is_coroutine_mark"}


class Tree:
    """A handler with its dependencies.

    Args:
        dependant: FastAPI's `Dependant` of the handler.
        embeds: True if the fields of the body are keys of an object.
        converted: Names of path parameters that are not texts.

    Attributes:
        handler: The handler.
        is_async: True for `async def`.
        steps: The dependencies in the order of their calls.
        last: The step of the handler.
        parameters: All parameters that the library binds, the handler's own last.
    """

    def __init__(
        self, dependant: Any, embeds: bool = False, converted: Collection[str] = ()
    ) -> None:
        self.handler: Callable[..., Any] = dependant.call
        self.is_async = _is_coroutine_function(self.handler)
        self.steps: list[Step] = []
        self._cached: dict[Any, int] = {}
        self._converted = converted
        needs = self._add_needs(dependant)
        kind: internals.Kind = "coroutine" if self.is_async else "function"
        self.last = Step(dependant, len(self.steps), kind, "", converted)
        self.last.needs = needs
        for step in self.all:
            step.embed(embeds)
        self.parameters = [each for step in self.all for each in step.parameters]

    @property
    def all(self) -> list[Step]:
        """All steps, the handler's last."""
        return [*self.steps, self.last]

    @property
    def is_plain(self) -> bool:
        """True for a handler that takes nothing but bound values."""
        last = self.last
        return not (self.steps or last.body_fields or last.has_specials or last.must_repeat)

    @property
    def begins_on_loop(self) -> bool:
        """True if the first call is not on a thread of the pool."""
        first = self.all[0]
        return not first.on_pool or first.solves_on_loop

    @property
    def runs_on_pool(self) -> bool:
        """True if all of a call may be on a thread of the pool."""
        return all(step.on_pool and not step.solves_on_loop for step in self.all)

    def _add_needs(self, dependant: Any) -> list[tuple[str | None, int]]:
        """Adds the steps that `dependant` needs; returns its keywords with their numbers."""
        return [(needed.name, self._add(needed)) for needed in dependant.dependencies]

    def _add(self, dependant: Any) -> int:
        if dependant.call is None:
            raise Unplanned("a dependency has no function")
        if getattr(dependant, "concurrency", None) is not None:
            raise Unplanned("the concurrency of a dependency is limited")
        # Its own dependencies come first, also where its result is cached.
        needs = self._add_needs(dependant)
        kind = internals.kind(dependant.call)
        if kind in ("generator", "async generator") and not internals.exits_late():
            raise Unplanned("a dependency with `yield` is closed early by this FastAPI")
        if kind in ("generator", "async generator") and inspect.isclass(dependant.call):
            raise Unplanned("a dependency is a class of generators")
        number = len(self.steps)
        step = Step(dependant, number, kind, f"{number}:", self._converted)
        step.needs = needs
        key = internals.cache_key(dependant)
        if dependant.use_cache:
            step.first = self._cached.get(key)
        self._cached.setdefault(key, step.number)
        self.steps.append(step)
        return step.number


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Returns true for a handler that is awaited, false for one that runs on a thread.

    FastAPI versions differ in how far they unwrap wrappers, partial functions and instances with
    `__call__`. Where all wrapped functions are of the same kind, they agree.

    Raises:
        Unplanned: The function, or one that it wraps, is of another kind.
    """
    kinds = {_plain_kind(each) for each in _wrapped(function)}
    if len(kinds) != 1:
        raise Unplanned("it is not a plain function")
    return kinds.pop()


def _wrapped(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """Returns the function and all functions that it wraps, outermost first."""
    chain = [function]
    while hasattr(chain[-1], "__wrapped__"):
        inner = chain[-1].__wrapped__
        if any(inner is each for each in chain):
            raise Unplanned("it wraps itself")
        chain.append(inner)
    return chain


def _plain_kind(function: Callable[..., Any]) -> bool:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise Unplanned("it is a generator")
    code = function.__func__ if isinstance(function, types.MethodType) else function
    if not isinstance(code, types.FunctionType) or vars(code).keys() & _MARKS:
        raise Unplanned("it is not a plain function")
    return inspect.iscoroutinefunction(function)
