"""Dependencies of every kind of callable: as they are, wrapped, wrapped twice, partial, methods."""

import functools
from collections.abc import Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from .record import count, echo

router = APIRouter(prefix="/callables")


class Called:
    """An object that is called."""

    def __call__(self, q: int = 1) -> Any:
        count()
        return q


class Awaited:
    """An object whose call is awaited."""

    async def __call__(self, q: int = 1) -> Any:
        count()
        return q


class Entered:
    """An object whose call is a generator."""

    def __call__(self, q: int = 1) -> Any:
        count()
        yield q
        count("callables left")


class LateEntered:
    """An object whose call is an asynchronous generator."""

    async def __call__(self, q: int = 1) -> Any:
        count()
        yield q
        count("callables left late")


class Made:
    """A class, whose objects can be called too."""

    def __init__(self, q: int = 1) -> None:
        count()
        self.q = q

    def __call__(self) -> Any:
        yield self.q


def function(q: int = 1) -> Any:
    """A function."""
    count()
    return q


async def coroutine_function(q: int = 1) -> Any:
    """A coroutine function."""
    count()
    return q


def wrapped(inner: Any) -> Any:
    """Hands on what `inner` returns."""

    @functools.wraps(inner)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return inner(*args, **kwargs)

    return wrapper


def awaited(inner: Any) -> Any:
    """Awaits what `inner` returns, if it can be."""

    @functools.wraps(inner)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = inner(*args, **kwargs)
        return await result if isinstance(result, Coroutine) else result

    return wrapper


def shown(value: Any) -> dict[str, Any]:
    """A number, or of which type the value is; an object's text has its address."""
    if isinstance(value, Coroutine):
        value.close()
    return echo(value=value) if isinstance(value, int) else {"type": type(value).__name__}


def _add(path: str, dependency: Any) -> None:
    def handler(value: Annotated[Any, Depends(dependency)]):
        count("callables handler")
        return shown(value)

    async def late_handler(value: Annotated[Any, Depends(dependency)]):
        count("callables late handler")
        return shown(value)

    router.add_api_route(f"/{path}", handler)
    router.add_api_route(f"/{path}/late", late_handler)


_KINDS: dict[str, Any] = {
    "called": Called(),
    "awaited": Awaited(),
    "entered": Entered(),
    "late-entered": LateEntered(),
    "made": Made,
    "function": function,
    "coroutine-function": coroutine_function,
    "method": Called().__call__,
    "late-method": Awaited().__call__,
}
for _name, _kind in _KINDS.items():
    _add(_name, _kind)
    _add(f"wrapped/{_name}", wrapped(_kind))
    _add(f"wrapped-twice/{_name}", wrapped(wrapped(_kind)))
    _add(f"awaited/{_name}", awaited(_kind))
    _add(f"partial/{_name}", functools.partial(_kind))
    _add(f"partial-wrapped/{_name}", functools.partial(wrapped(_kind)))
    _add(f"wrapped-partial/{_name}", wrapped(functools.partial(_kind)))
