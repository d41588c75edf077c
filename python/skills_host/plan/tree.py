"""A handler and its dependencies, in the order of FastAPI's calls.

Dependencies are planned where they are functions or classes with parameters of the kinds a handler
may have, and either all coroutine functions, as the handler then must be too, or none of them.
The first run on the loop within the handler's task, the second on a thread of the pool, each in
a copy of the request's context: as in FastAPI, but with one thread for all of them.
"""

from __future__ import annotations

import contextvars
import inspect
import types
from collections.abc import Callable, Coroutine
from typing import Any

from skills_host.plan.parameter import Parameter
from skills_host.plan.reason import Unplanned

_PLACES = ("path", "query", "header", "cookie")
_SPECIAL = ("request", "websocket", "http_connection", "response", "background_tasks")
_SCOPES = (
    "security_scopes",
    "security_requirements",
    "own_oauth_scopes",
    "parent_oauth_scopes",
    "scope",
)
#: Attributes by which FastAPI may treat a function as another kind than its code is.
_MARKS = {"__call__", "_is_coroutine", "_is_coroutine_mark"}


class Step:
    """One dependency.

    Attributes:
        call: The function or class.
        values: Its keywords with the slots of their values.
        needs: Its keywords with the numbers of the steps whose results they get.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call
        self.values: list[tuple[str, str]] = []
        self.needs: list[tuple[str, int]] = []

    def arguments(self, slots: dict[str, Any], results: list[Any]) -> dict[str, Any]:
        """Returns the keyword arguments; removes their values from `slots`."""
        arguments = {name: slots.pop(slot) for name, slot in self.values}
        for name, number in self.needs:
            arguments[name] = results[number]
        return arguments


class Tree:
    """A handler with its dependencies.

    Args:
        dependant: FastAPI's `Dependant` of the handler.

    Attributes:
        handler: The handler.
        is_async: True for `async def`.
        steps: The dependencies in the order of their calls.
        parameters: All parameters, the handler's own last.
    """

    def __init__(self, dependant: Any) -> None:
        self.handler: Callable[..., Any] = dependant.call
        self.is_async = _is_coroutine_function(self.handler)
        self.steps: list[Step] = []
        self.parameters: list[Parameter] = []
        self._cached: dict[Any, int] = {}
        self._kinds: set[bool] = set()
        self._needs = self._add_needs(dependant)
        for parameter in _parameters(dependant, ""):
            self.parameters.append(parameter)
        if len(self._kinds) > 1 or (True in self._kinds and not self.is_async):
            raise Unplanned("some of its dependencies are coroutine functions and others not")

    @property
    def begins_on_loop(self) -> bool:
        """True if no part of the call runs on a thread of the pool."""
        return self.is_async and False not in self._kinds

    def solve(self, slots: dict[str, Any]) -> dict[str, Any]:
        """Calls all dependencies, no coroutine functions, and returns the handler's arguments."""
        if not self.steps:
            return slots
        results: list[Any] = []
        for step in self.steps:
            arguments = step.arguments(slots, results)
            results.append(contextvars.copy_context().run(step.call, **arguments))
        return self._handlers_own(slots, results)

    def call(self, slots: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        """Calls all dependencies and the handler, all of them coroutine functions."""
        return self._call_all(slots) if self.steps else self.handler(**slots)

    async def _call_all(self, slots: dict[str, Any]) -> Any:
        results: list[Any] = []
        for step in self.steps:
            results.append(await step.call(**step.arguments(slots, results)))
        return await self.handler(**self._handlers_own(slots, results))

    def _handlers_own(self, slots: dict[str, Any], results: list[Any]) -> dict[str, Any]:
        for name, number in self._needs:
            slots[name] = results[number]
        return slots

    def _add_needs(self, dependant: Any) -> list[tuple[str, int]]:
        """Adds the steps that `dependant` needs; returns its keywords with their numbers."""
        needs = []
        for needed in dependant.dependencies:
            number = self._add(needed)
            if needed.name is not None:
                needs.append((needed.name, number))
        return needs

    def _add(self, dependant: Any) -> int:
        _refuse_special(dependant)
        step = Step(dependant.call)
        # Its own dependencies come first, also where its result is cached.
        step.needs = self._add_needs(dependant)
        if dependant.use_cache and dependant.call in self._cached:
            return self._cached[dependant.call]
        is_class = inspect.isclass(dependant.call)
        self._kinds.add(not is_class and _is_coroutine_function(dependant.call))
        number = len(self.steps)
        for parameter in _parameters(dependant, f"{number}:"):
            step.values.append((parameter.name, parameter.slot))
            self.parameters.append(parameter)
        self.steps.append(step)
        self._cached.setdefault(dependant.call, number)
        return number


def refuse(dependant: Any) -> None:
    """Raises `Unplanned` for a handler with parameters that only FastAPI can provide."""
    if dependant.body_params:
        raise Unplanned("it reads a request body")
    for kind in _SPECIAL:
        if getattr(dependant, f"{kind}_param_name", None):
            raise Unplanned(f"it takes the {kind.replace('_', ' ')}")
    if getattr(dependant, "security_scopes_param_name", None):
        raise Unplanned("it takes the security scopes")


def _refuse_special(dependant: Any) -> None:
    call = dependant.call
    name = getattr(call, "__name__", None) or type(call).__name__
    try:
        refuse(dependant)
        for scopes in _SCOPES:
            if getattr(dependant, scopes, None):
                raise Unplanned("it has security scopes")
        if getattr(dependant, "concurrency", None) is not None:
            raise Unplanned("its concurrency is limited")
        if inspect.isclass(call):
            _refuse_class(call)
        else:
            _is_coroutine_function(call)
    except Unplanned as reason:
        raise Unplanned(f"dependency {name}: {reason}") from None


def _parameters(dependant: Any, prefix: str) -> list[Parameter]:
    return [
        Parameter(field, place, f"{prefix}{field.name}")
        for place in _PLACES
        for field in getattr(dependant, f"{place}_params")
    ]


def _refuse_class(cls: type) -> None:
    """Raises `Unplanned` for a class that FastAPI versions treat differently."""
    if hasattr(cls, "__wrapped__"):
        raise Unplanned("it wraps something")
    if type(cls).__call__ is not type.__call__:
        raise Unplanned("its metaclass makes its instances")
    if any("__call__" in vars(base) for base in cls.__mro__):
        # Older FastAPI versions go by the `__call__` of its instances.
        _is_coroutine_function(cls.__call__)


def _is_coroutine_function(function: Callable[..., Any]) -> bool:
    """Returns true for `async def`, false for `def`.

    FastAPI versions differ in how far they unwrap wrappers, partial functions and instances with
    `__call__`. Where all wrapped functions are of the same kind, they agree.

    Raises:
        Unplanned: The function, or one that it wraps, is of another kind.
    """
    kinds = {_is_plain_coroutine_function(each) for each in _wrapped(function)}
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


def _is_plain_coroutine_function(function: Callable[..., Any]) -> bool:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise Unplanned("it is a generator")
    code = function.__func__ if isinstance(function, types.MethodType) else function
    if not isinstance(code, types.FunctionType) or vars(code).keys() & _MARKS:
        raise Unplanned("it is not a plain function")
    return inspect.iscoroutinefunction(function)
