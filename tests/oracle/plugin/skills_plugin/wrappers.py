"""Things that can be called, made in every way there is: wrappers, partials, instances, methods."""

import contextlib
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from .record import count, echo


def function(a: int = 1, b: str = "x") -> Any:
    """A function."""
    count()
    return echo(a=a, b=b)


async def late(a: int = 1, b: str = "x") -> Any:
    """A coroutine function."""
    count()
    return echo(a=a, b=b)


def generator(a: int = 1, b: str = "x") -> Iterator[Any]:
    """A generator function."""
    count()
    yield echo(a=a, b=b)
    count("wrappers generator closed")


async def late_generator(a: int = 1, b: str = "x") -> AsyncIterator[Any]:
    """An asynchronous generator function."""
    count()
    yield echo(a=a, b=b)
    count("wrappers late generator closed")


class Plain:
    """An instance is called like a function; methods of each kind."""

    def __init__(self, a: int = 1, b: str = "x") -> None:
        count()
        self.a, self.b = a, b

    def __call__(self, a: int = 2, b: str = "y") -> Any:
        count()
        return echo(a=a, b=b)

    def method(self, a: int = 1) -> Any:
        count()
        return echo(a=a)

    async def late_method(self, a: int = 1) -> Any:
        count()
        return echo(a=a)

    def generator_method(self, a: int = 1) -> Iterator[Any]:
        count()
        yield echo(a=a)

    @classmethod
    def of_class(cls, a: int = 1) -> Any:
        count()
        return echo(a=a, name=cls.__name__)

    @classmethod
    async def of_class_late(cls, a: int = 1) -> Any:
        count()
        return echo(a=a, name=cls.__name__)

    @staticmethod
    def static(a: int = 1) -> Any:
        count()
        return echo(a=a)

    @staticmethod
    async def static_late(a: int = 1) -> Any:
        count()
        return echo(a=a)


class Late:
    """An instance is called like a coroutine function."""

    async def __call__(self, a: int = 1) -> Any:
        count()
        return echo(a=a)


class Generator:
    """An instance is called like a generator function."""

    def __call__(self, a: int = 1) -> Iterator[Any]:
        count()
        yield echo(a=a)
        count("wrappers instance closed")


class LateGenerator:
    """An instance is called like an asynchronous generator function."""

    async def __call__(self, a: int = 1) -> AsyncIterator[Any]:
        count()
        yield echo(a=a)
        count("wrappers late instance closed")


class Entered(Plain):
    """A class whose instances are called like generator functions."""

    def __call__(self) -> Iterator[Any]:  # type: ignore[override]
        yield self.a


class Returning:
    """An instance is called like a function that returns a coroutine."""

    def __call__(self, a: int = 1) -> Awaitable[Any]:
        count()
        return late(a=a)


class Static:
    """An instance whose `__call__` is no method."""

    @staticmethod
    def __call__(a: int = 1) -> Any:
        count()
        return echo(a=a)


class Wrapped:
    """A decorator that is a class; `functools.update_wrapper` makes it look like a function."""

    def __init__(self, inner: Callable[..., Any]) -> None:
        self._inner = inner
        functools.update_wrapper(self, inner)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        count()
        return self._inner(*args, **kwargs)


class WrappedLate(Wrapped):
    """The same with a coroutine function."""

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        count()
        result = self._inner(*args, **kwargs)
        return await result if isinstance(result, Awaitable) else result


def wraps(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A function around `inner`."""

    @functools.wraps(inner)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        count("wrappers wraps")
        return inner(*args, **kwargs)

    return wrapper


def wraps_late(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine function around `inner`, which awaits what can be awaited."""

    @functools.wraps(inner)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        count("wrappers wraps_late")
        result = inner(*args, **kwargs)
        return await result if isinstance(result, Awaitable) else result

    return wrapper


def wraps_generator(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A generator function around `inner`."""

    @functools.wraps(inner)
    def wrapper(*args: Any, **kwargs: Any) -> Iterator[Any]:
        count("wrappers wraps_generator")
        yield inner(*args, **kwargs)
        count("wrappers wraps_generator closed")

    return wrapper


def returns_coroutine(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A plain function that returns a coroutine, and does not show that it wraps one."""

    def wrapper(a: int = 1) -> Awaitable[Any]:
        count("wrappers returns_coroutine")
        return inner(a=a)

    return wrapper


def unannounced(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A function around `inner` that has its signature, but no `__wrapped__`."""
    wrapper = wraps(inner)
    wrapper.__signature__ = inspect.signature(inner)  # type: ignore[attr-defined]
    del wrapper.__wrapped__  # type: ignore[attr-defined]
    return wrapper


@contextlib.contextmanager
def managed(a: int = 1) -> Iterator[Any]:
    """A context manager, which FastAPI takes for the generator that it wraps."""
    count()
    yield echo(a=a)


@contextlib.asynccontextmanager
async def managed_late(a: int = 1) -> AsyncIterator[Any]:
    """An asynchronous one."""
    count()
    yield echo(a=a)


_INSTANCES: dict[str, Callable[..., Any]] = {
    "instance": Plain(),
    "instance-late": Late(),
    "instance-generator": Generator(),
    "instance-late-generator": LateGenerator(),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "function": function,
    "late": late,
    "generator": generator,
    "late-generator": late_generator,
}

#: Each by its name.
CALLABLES: dict[str, Callable[..., Any]] = {
    **_FUNCTIONS,
    **_INSTANCES,
    "instance-returning": Returning(),
    "instance-static": Static(),
    "class": Plain,
    "method": Plain().method,
    "method-late": Plain().late_method,
    "method-generator": Plain().generator_method,
    "class-method": Plain.of_class,
    "class-method-late": Plain.of_class_late,
    "static": Plain.static,
    "static-late": Plain().static_late,
    "call-of-instance": Late().__call__,
    "lambda": lambda a=1, b="x": echo(a=a, b=b),
    "lambda-late": lambda a=1: late(a=a),
    "cached": functools.lru_cache(function),
    "cached-once": functools.cache(Plain.static),
    "returns-coroutine": returns_coroutine(late),
    "unannounced": unannounced(function),
    "unannounced-late": unannounced(late),
    "managed": managed,
    "managed-late": managed_late,
    "partial-of-partial": functools.partial(functools.partial(function, b="f"), a=5),
    "partial-of-wraps": functools.partial(wraps(function), b="f"),
    "wraps-of-partial": wraps(functools.partial(late, b="f")),
    "partial-of-class": functools.partial(Plain, b="f"),
    "partial-of-method": functools.partial(Plain().late_method),
    "wraps-of-wraps": wraps(wraps(function)),
    "wraps-of-late-wraps": wraps(wraps_late(function)),
    "wraps-late-of-wraps": wraps_late(wraps(late)),
    "wraps-of-class": wraps(Plain),
    "wraps-of-method": wraps(Plain().method),
    "wraps-of-late-method": wraps(Plain().late_method),
    "wraps-of-cached": wraps(functools.cache(function)),
    "wraps-of-wraps-of-instance": wraps(wraps(Late())),
    "wrapped-object": Wrapped(function),
    "wrapped-object-of-late": Wrapped(late),
    "wrapped-late-object": WrappedLate(late),
    "single-dispatch": functools.singledispatch(function),
    **{f"wraps-of-{name}": wraps(inner) for name, inner in (_FUNCTIONS | _INSTANCES).items()},
    **{f"wraps-late-of-{name}": wraps_late(inner) for name, inner in _INSTANCES.items()},
    **{f"wraps-of-partial-of-{n}": wraps(functools.partial(c)) for n, c in _INSTANCES.items()},
    **{f"partial-of-wraps-of-{n}": functools.partial(wraps(c)) for n, c in _INSTANCES.items()},
    "class-of-generators": Entered,
    "wraps-late-of-function": wraps_late(function),
    "wraps-late-of-late": wraps_late(late),
    "wraps-generator-of-function": wraps_generator(function),
    "wraps-generator-of-instance": wraps_generator(Plain()),
    **{f"partial-of-{name}": functools.partial(inner, a=7) for name, inner in _FUNCTIONS.items()},
    **{f"partial-of-{name}": functools.partial(inner) for name, inner in _INSTANCES.items()},
}
