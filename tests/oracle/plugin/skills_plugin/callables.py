"""Handlers and dependencies that are no plain functions."""

# ruff: noqa: B008 - what it finds is what is checked here

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import FastAPIError

from .record import count, echo, seen
from .wrappers import CALLABLES, Plain

router = APIRouter(prefix="/callables")


def _shown(value: Any) -> Any:
    """What a dependency came to; what must be awaited is not, and would warn when it is dropped."""
    if inspect.iscoroutine(value):
        value.close()
    if isinstance(value, Plain):
        return seen({"a": value.a, "b": value.b})
    if isinstance(value, dict):
        return value
    return type(value).__name__


def _needing(needed: Callable[..., Any], late: bool) -> Callable[..., Any]:
    """A handler that answers what `needed` came to, twice: the second time from the cache."""
    declared = Annotated[Any, Depends(needed)]

    def plain(v, again, own: int = 0):
        count("callables plain")
        return {"v": _shown(v), "same": v is again, "own": own}

    async def coroutine(v, again, own: int = 0):
        count("callables coroutine")
        return {"v": _shown(v), "same": v is again, "own": own}

    handler = coroutine if late else plain
    handler.__annotations__ |= {"v": declared, "again": declared}
    return handler


#: What FastAPI refuses to make a handler or a dependency of, which differs from version to version.
_REFUSALS = (FastAPIError, AttributeError, AssertionError, TypeError, ValueError)


def _add(path: str, handler: Callable[..., Any], **options: Any) -> None:
    try:
        router.add_api_route(path, handler, **options)
    except _REFUSALS as refusal:
        router.add_api_route(
            path, lambda text=f"{type(refusal).__name__}: {refusal}": {"text": text}
        )


for _number, (_name, _callable) in enumerate(CALLABLES.items()):
    _add(f"/handler/{_name}", _callable, response_model=None)
    # Under a handler of either kind where a plan may be made, else under one of them by turns.
    if _number % 2 or "partial" not in _name:
        _add(f"/needs/{_name}", _needing(_callable, late=False))
    if _number % 2 == 0 or "partial" not in _name:
        _add(f"/needs-late/{_name}", _needing(_callable, late=True))
    if "late-of" in _name or "generator" in _name:
        _add(f"/only/{_name}", lambda: "ran", dependencies=[Depends(_callable)])


class _Called:
    """An object that can be called."""

    def __call__(self, a: int = 1) -> dict[str, Any]:
        count()
        return echo(a=a)

    async def method(self, a: int = 1) -> dict[str, Any]:
        count()
        return echo(a=a)


def _wrapped(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(**values: Any) -> Any:
        count()
        return {"wrapped": function(**values)}

    return wrapper


@router.get("/wrapped")
@_wrapped
def wrapped(a: int, b: list[int] = Query([1])):
    return echo(a=a, b=b)


@router.get("/wrapped-late")
@_wrapped
async def wrapped_late(a: int = 1):
    """A plain function that returns a coroutine in a dict, which cannot be written."""
    return echo(a=a)


def _partial(a: int, b: str, c: float = 2) -> dict[str, Any]:
    count()
    return echo(a=a, b=b, c=c)


router.add_api_route("/callable", _Called())
router.add_api_route("/method", _Called().method)
router.add_api_route("/partial", functools.partial(_partial, b="fixed"))
router.add_api_route("/lambda", lambda a=1, b="x": echo(a=a, b=b))
router.add_api_route("/both", _partial, methods=["GET", "PUT", "purge"])
