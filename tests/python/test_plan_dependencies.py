"""A dependency is called directly only where every FastAPI calls it the same way."""

import asyncio
import contextlib
import functools
import types
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import pytest
from direct_calls import Call, Direct, answer
from fastapi import APIRouter, Depends, FastAPI

from skills_host.plan.tree import Tree


class Sync:
    def __call__(self, q: int = 1) -> Any:
        return q + 1

    def method(self, q: int = 1) -> Any:
        return q + 1

    async def async_method(self, q: int = 1) -> Any:
        return q + 1

    @classmethod
    def of_class(cls, q: int = 1) -> Any:
        return q + 1

    @staticmethod
    def of_none(q: int = 1) -> Any:
        return q + 1

    partial_method = functools.partialmethod(method)

    @functools.lru_cache  # noqa: B019
    def cached_method(self, q: int = 1) -> Any:
        return q + 1


class Async:
    async def __call__(self, own: Any = None, q: int = 1) -> Any:
        return q + 1


class Generator:
    def __call__(self, q: int = 1) -> Any:
        yield q + 1


class AsyncGenerator:
    async def __call__(self, q: int = 1) -> Any:
        yield q + 1


def sync(q: int = 1) -> Any:
    return q + 1


async def coroutine(q: int = 1) -> Any:
    return q + 1


def generator(q: int = 1) -> Any:
    yield q + 1


async def async_generator(q: int = 1) -> Any:
    yield q + 1


def wrap(inner: Any) -> Any:
    """A decorator that hands on what the decorated callable returns."""

    @functools.wraps(inner)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return inner(*args, **kwargs)

    return wrapper


def wrap_async(inner: Any) -> Any:
    """A decorator that awaits what the decorated callable returns."""

    @functools.wraps(inner)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = inner(*args, **kwargs)
        return await result if isinstance(result, Coroutine) else result

    return wrapper


def run(inner: Any) -> Any:
    """A decorator that runs a coroutine function to its end on another loop."""

    @functools.wraps(inner)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return asyncio.run(inner(*args, **kwargs))

    return wrapper


def attributed(**attributes: Any) -> Any:
    """A plain function with attributes that FastAPI may look at."""

    def function(q: int = 1) -> Any:
        return q + 1

    vars(function).update(attributes)
    return function


class Meta(type):
    async def __call__(cls, q: int = 1) -> Any:
        return super().__call__(q)


class OfMeta(metaclass=Meta):
    def __init__(self, q: int = 1) -> None:
        self.q = q


class Plain:
    def __init__(self, q: int = 1) -> None:
        self.q = q


class WithCall(Plain):
    def __call__(self) -> Any:
        yield self.q


class WithAsyncCall(Plain):
    async def __call__(self) -> Any:
        return self.q


SAME = [sync, coroutine, Plain, Sync().method, Sync().async_method, Sync.of_class, Sync.of_none]
KINDS = {
    "sync": sync,
    "coroutine": coroutine,
    "generator": generator,
    "async generator": async_generator,
    "instance": Sync(),
    "async instance": Async(),
    "generator instance": Generator(),
    "async generator instance": AsyncGenerator(),
    "method": Sync().method,
    "async method": Sync().async_method,
    "__call__ of an instance": Sync().__call__,
    "async __call__ of an instance": Async().__call__,
    "class method": Sync.of_class,
    "static method": Sync.of_none,
    "partial method": Sync().partial_method,
    "cached method": Sync().cached_method,
    "method of an async instance": types.MethodType(Async(), 0),
    "class": Plain,
    "class with a generator __call__": WithCall,
    "class with an async __call__": WithAsyncCall,
    "class of an async metaclass": OfMeta,
    "cached": functools.lru_cache(sync),
    "context manager": contextlib.contextmanager(generator),
    "async context manager": contextlib.asynccontextmanager(async_generator),
    "with its own __call__": attributed(__call__=coroutine),
    "with a marker": attributed(_is_coroutine=asyncio.coroutines._is_coroutine)
    if hasattr(asyncio.coroutines, "_is_coroutine")
    else sync,
}
WRAPPERS = {
    "{}": lambda kind: kind,
    "partial({})": lambda kind: functools.partial(kind, q=1),
    "wraps({})": wrap,
    "wraps(wraps({}))": lambda kind: wrap(wrap(kind)),
    "wraps(partial({}))": lambda kind: wrap(functools.partial(kind, q=1)),
    "partial(wraps({}))": lambda kind: functools.partial(wrap(kind), q=1),
    "async wraps({})": wrap_async,
    "wraps(async wraps({}))": lambda kind: wrap(wrap_async(kind)),
    "async wraps(wraps({}))": lambda kind: wrap_async(wrap(kind)),
}
DEPENDENCIES = {
    pattern.format(name): wrapper(kind)
    for pattern, wrapper in WRAPPERS.items()
    for name, kind in KINDS.items()
}
DEPENDENCIES |= {
    f"run({name})": run(kind)
    for name, kind in KINDS.items()
    if name in ("coroutine", "async instance", "async method")
}


def shown(value: Any) -> Any:
    """Returns the dependency's value if it is a number, else the name of its type."""
    if isinstance(value, Coroutine):
        value.close()
    return value if isinstance(value, int) else type(value).__name__


def router_with(dependency: Callable[..., Any], is_async: bool) -> APIRouter:
    router = APIRouter()

    def handler(value: Annotated[Any, Depends(dependency)]) -> Any:
        return shown(value)

    async def async_handler(value: Annotated[Any, Depends(dependency)]) -> Any:
        return shown(value)

    router.get("/")(async_handler if is_async else handler)
    return router


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("name", DEPENDENCIES)
@pytest.mark.filterwarnings("ignore")
def test_a_plan_gives_what_fastapi_gives(ask, name, is_async):
    app = FastAPI()
    app.include_router(router_with(DEPENDENCIES[name], is_async))
    direct = Direct(app)
    (plan,) = [each for each in direct.plans if each.route.path == "/"]
    if plan.why is None:
        fastapis = ask(app, "GET", "/")
        called = direct.ask(Call(direct.number("/"), url="/"))
        assert answer(called) == (fastapis.status_code, fastapis.json())
    direct.close()


@pytest.mark.parametrize("dependency", SAME, ids=lambda each: each.__qualname__)
def test_plain_callables_have_a_plan(dependency):
    is_async = dependency in (coroutine, SAME[4])
    router = router_with(dependency, is_async)
    assert Tree(router.routes[0].dependant).steps
