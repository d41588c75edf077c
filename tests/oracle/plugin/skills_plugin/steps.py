"""Dependencies of every kind in a tree, each step of which may fail; what happens is traced.

Every route has the same tree: the handler needs `middle` and `other`, both need `inner`, which
yields. `middle` is of each kind in turn; `fail` names the step that fails.
"""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse

from .trace import Key, trace
from .version import accepted

router = APIRouter(prefix="/traced/steps")

Fail = Literal[
    "", "inner", "middle", "other", "handler", "answer", "piece", "task",
    "xinner", "xmiddle", "xother",
]  # fmt: skip
Error = Literal["http", "own", "value", "validation", "stop"]
#: What `inner` makes of an error.
Treat = Literal["pass", "swallow", "change", "http", "twice", "never", "hide"]


class Own(Exception):
    """Has no handler."""


_ERRORS: dict[str, Callable[[], Exception]] = {
    "http": lambda: HTTPException(418, "tea", headers={"x-tea": "1"}),
    "own": lambda: Own("own"),
    "value": lambda: ValueError("wrong"),
    "validation": lambda: RequestValidationError([{"loc": ["x"], "msg": "by hand"}]),
    "stop": lambda: StopIteration("stop"),
}


def _step(key: str, name: str, fail: str, error: str) -> list[str]:
    """Traces the step and fails if it is the one to fail."""
    steps = trace(key, name)
    if fail == name:
        raise _ERRORS[error]()
    return steps


def _inner(
    key: Key = "", fail: Fail = "", error: Error = "http", treat: Treat = "pass"
) -> Iterator[str]:
    _step(key, "inner", fail, error)
    if treat == "never":
        return
    try:
        yield "inner"
        if treat == "twice":
            yield "again"
    except Exception as caught:
        trace(key, f"inner saw {type(caught).__name__}")
        if treat == "change":
            raise Own(f"instead of {type(caught).__name__}") from caught
        if treat == "http":
            raise HTTPException(409, "instead", headers={"x-i": "1"}) from caught
        if treat != "swallow":
            raise
    finally:
        _step(key, "xinner", fail if treat != "hide" else "", error)


async def _late_inner(
    key: Key = "", fail: Fail = "", error: Error = "http", treat: Treat = "pass"
) -> AsyncIterator[str]:
    _step(key, "inner", fail, error)
    if treat == "never":
        return
    try:
        yield "inner"
        if treat == "twice":
            yield "again"
    except Exception as caught:
        trace(key, f"inner saw {type(caught).__name__}")
        if treat == "change":
            raise Own(f"instead of {type(caught).__name__}") from caught
        if treat == "http":
            raise HTTPException(409, "instead", headers={"x-i": "1"}) from caught
        if treat != "swallow":
            raise
    finally:
        _step(key, "xinner", fail if treat != "hide" else "", error)


def _middles(inner: Any) -> dict[str, Any]:
    """Callables of each kind that need `inner`."""
    Inner = Annotated[str, Depends(inner)]
    Number = Annotated[int, Query(ge=0)]

    def plain(i: Inner, key: Key = "", fail: Fail = "", error: Error = "http", number: Number = 0):
        _step(key, "middle", fail, error)
        return ["middle", i, number]

    async def late(
        i: Inner, key: Key = "", fail: Fail = "", error: Error = "http", number: Number = 0
    ):
        _step(key, "middle", fail, error)
        return ["middle", i, number]

    def generator(
        i: Inner, key: Key = "", fail: Fail = "", error: Error = "http", number: Number = 0
    ):
        _step(key, "middle", fail, error)
        try:
            yield ["middle", i, number]
        finally:
            _step(key, "xmiddle", fail, error)

    async def late_generator(
        i: Inner, key: Key = "", fail: Fail = "", error: Error = "http", number: Number = 0
    ):
        _step(key, "middle", fail, error)
        try:
            yield ["middle", i, number]
        finally:
            _step(key, "xmiddle", fail, error)

    class OfClass(list[Any]):
        def __init__(
            self, i: Inner, key: Key = "", fail: Fail = "", error: Error = "http", n: Number = 0
        ) -> None:
            _step(key, "middle", fail, error)
            super().__init__(["middle", i, n])

    class Methods:
        method, late_method = staticmethod(plain), staticmethod(late)

        def bound(self, i: Inner, key: Key = "", fail: Fail = "", error: Error = "http"):
            return plain(i, key, fail, error)

        async def late_bound(self, i: Inner, key: Key = "", fail: Fail = "", error: Error = "http"):
            return await late(i, key, fail, error)

    return {
        "plain": plain,
        "late": late,
        "generator": generator,
        "late-generator": late_generator,
        "class": OfClass,
        "static": Methods.method,
        "late-static": Methods().late_method,
        "bound": Methods().bound,
        "late-bound": Methods().late_bound,
        "partial": functools.partial(plain, number=7),
        "late-partial": functools.partial(late, number=7),
        "partial-generator": functools.partial(generator, number=7),
        **{f"{name}-instance": _instance(made) for name, made in (
            ("plain", plain), ("late", late), ("generator", generator), ("lategen", late_generator)
        )},
    }  # fmt: skip


def _instance(function: Callable[..., Any]) -> Any:
    """Returns an object that is called like `function`."""
    made = type("Called", (), {"__call__": staticmethod(function)})
    return made()


async def _pieces(key: str, fail: str, error: str) -> AsyncIterator[str]:
    for number in range(3):
        trace(key, f"stream {number}")
        if number == 1:
            _step(key, "piece", fail, error)
        yield f"{number}"


def _plain_pieces(key: str, fail: str, error: str) -> Iterator[str]:
    for number in range(3):
        trace(key, f"stream {number}")
        if number == 1:
            _step(key, "piece", fail, error)
        yield f"{number}"


Answer = Literal["json", "own", "stream", "late-stream", "none"]


def _made(key: str, fail: str, error: str, answer: str, seen: list[Any]) -> Any:
    """What a handler returns."""
    trace(key, "returns")
    if fail == "answer":
        return {"v": object}
    if answer == "own":
        return JSONResponse(seen, 202, {"x-own": "1"})
    if "stream" in answer:
        return StreamingResponse((_pieces if "late" in answer else _plain_pieces)(key, fail, error))
    return None if answer == "none" else seen


def _handlers(middle: Any, other: Any, tasks_too: bool) -> Iterator[tuple[str, Any]]:
    """Handlers that need both, with or without background tasks."""

    def plain(m, o, key: Key = "", fail: Fail = "", error: Error = "http", answer: Answer = "json"):
        _step(key, "handler", fail, error)
        return _made(key, fail, error, answer, [m, o])

    async def late(
        m, o, key: Key = "", fail: Fail = "", error: Error = "http", answer: Answer = "json"
    ):
        _step(key, "handler", fail, error)
        return _made(key, fail, error, answer, [m, o])

    def tasked(m, o, tasks: BackgroundTasks, key: Key = "", fail: Fail = "", error: Error = "http"):
        tasks.add_task(_step, key, "task", fail, error)
        tasks.add_task(trace, key, "last task")
        _step(key, "handler", fail, error)
        return _made(key, fail, error, "json", [m, o])

    async def late_tasked(
        m, o, tasks: BackgroundTasks, key: Key = "", fail: Fail = "", error: Error = "http",
        answer: Answer = "json",
    ):  # fmt: skip
        tasks.add_task(_late_step, key, "task", fail, error)
        tasks.add_task(_step, key, "last task", fail, error)
        _step(key, "handler", fail, error)
        return _made(key, fail, error, answer, [m, o])

    chosen = {"tasked": tasked, "late-tasked": late_tasked} if tasks_too else {}
    for name, handler in (chosen or {"plain": plain, "late": late}).items():
        handler.__annotations__ |= {"m": middle, "o": other}
        yield name, handler


async def _late_step(key: str, name: str, fail: str, error: str) -> None:
    _step(key, name, fail, error)


def _others(inner: Any, **options: Any) -> Iterator[Any]:
    """Dependencies that yield, with `inner` from the cache or anew."""
    Inner = Annotated[str, Depends(inner, **options)]
    Ratio = Annotated[float, Query(lt=9)]

    def plain(i: Inner, key: Key = "", fail: Fail = "", error: Error = "http", ratio: Ratio = 0.5):
        _step(key, "other", fail, error)
        yield ["other", i, ratio]
        _step(key, "xother", fail, error)

    async def late(
        i: Inner, key: Key = "", fail: Fail = "", error: Error = "http", ratio: Ratio = 0.5
    ):
        _step(key, "other", fail, error)
        yield ["other", i, ratio]
        _step(key, "xother", fail, error)

    yield from (plain, late)


def _add() -> None:
    plain_kinds, late_kinds = _middles(_inner), _middles(_late_inner)
    plain_others, late_others = tuple(_others(_inner)), tuple(_others(_late_inner))
    for number, name in enumerate(plain_kinds):
        late_first = number % 2 == 0
        middle = (late_kinds if late_first else plain_kinds)[name]
        other = (late_others if late_first else plain_others)[number // 2 % 2]
        needed = Annotated[Any, Depends(middle)], Annotated[Any, Depends(other)]
        for kind, handler in _handlers(*needed, tasks_too=number % 3 == 0):
            router.add_api_route(f"/{name}/{kind}", handler, methods=["GET", "POST"])
    fresh = tuple(_others(_inner, use_cache=False))
    for name, other in {"fresh": fresh[0], "late-fresh": fresh[1]}.items():
        needed = Annotated[Any, Depends(plain_kinds["late"])], Annotated[Any, Depends(other)]
        for kind, handler in _handlers(*needed, tasks_too=True):
            router.add_api_route(f"/{name}/{kind}", handler)
    scoped = accepted(Depends, scope="function")
    for name in ("generator", "late-generator", "plain") if scoped else ():
        middle, other = late_kinds[name], plain_others[0]
        scoped_other = Annotated[Any, Depends(other, **scoped)]
        needed = Annotated[Any, Depends(middle, **(scoped if "gen" in name else {}))], scoped_other
        for tasks_too in (False, True):
            for kind, handler in _handlers(*needed, tasks_too=tasks_too):
                router.add_api_route(f"/scoped-{name}/{kind}", handler)


_add()
