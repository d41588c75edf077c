"""Dependencies that yield: when they are closed, and what they make of errors."""

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from .record import count
from .version import accepted

router = APIRouter(prefix="/closing")


class Own(Exception):
    """Has no handler."""


_ERRORS: dict[str, Callable[[], Exception]] = {
    "value": lambda: ValueError("wrong"),
    "http": lambda: HTTPException(418, "tea", headers={"x-tea": "1"}),
    "own": lambda: Own("own"),
    "key": lambda: KeyError("k"),
}


def _raise(error: str) -> None:
    if error in _ERRORS:
        raise _ERRORS[error]()


def _plain(name: str, how: str) -> Callable[..., Iterator[Any]]:
    """A dependency that treats what is raised in the way of `how`."""

    def dependency(early: str = "", late: str = "") -> Iterator[list[str]]:
        if early == name:
            raise HTTPException(400, f"before {name}")
        log = [name]
        try:
            yield log
        except Exception as error:
            count(f"closing {name} saw {type(error).__name__}")
            if how == "raises":
                raise HTTPException(409, f"{name} saw {error!r}") from error
            if how == "changes":
                raise Own(f"{name} saw {error!r}") from error
            if how == "passes":
                raise
        finally:
            count(f"closing {name} closed")
            if late == name:
                raise HTTPException(410, f"after {name}")

    return dependency


def _late(name: str, how: str) -> Callable[..., AsyncIterator[Any]]:
    """The same as an asynchronous generator."""

    async def dependency(early: str = "", late: str = "") -> AsyncIterator[list[str]]:
        with contextlib.contextmanager(_plain(name, how))(early, late) as log:
            yield log

    return dependency


_WAYS = ("passes", "raises", "changes", "swallows")


def _handler(needed: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    async def handler(v, error: str = "", answer: str = ""):
        count("closing handler")
        _raise(error)
        if answer == "stream":
            return StreamingResponse(iter(["a", "b"]))
        return JSONResponse(v, status_code=202) if answer else v

    handler.__annotations__["v"] = Annotated[list, Depends(needed, **options)]
    return handler


for _how in _WAYS:
    router.add_api_route(f"/plain/{_how}", _handler(_plain(f"plain {_how}", _how)))
    router.add_api_route(f"/late/{_how}", _handler(_late(f"late {_how}", _how)))
    for _scope in ("function", "request"):
        _options = accepted(Depends, scope=_scope)
        _need = _plain(f"{_scope} {_how}", _how)
        router.add_api_route(f"/{_scope}/{_how}", _handler(_need, **_options))

_first, _second, _third = _plain("first", "passes"), _late("second", "passes"), _plain("third", "")


@router.get("/order")
def order(
    a: Annotated[list, Depends(_first)],
    b: Annotated[list, Depends(_second)],
    c: Annotated[list, Depends(_third)],
    same: Annotated[list, Depends(_first)],
    other: Annotated[list, Depends(_first, use_cache=False)],
    error: str = "",
):
    count()
    _raise(error)
    return {"log": [*a, *b, *c], "same": a is same, "other": a is other}


def _nested(outer: Annotated[list[str], Depends(_first)], error: str = "") -> Iterator[list[str]]:
    outer.append("nested")
    if error == "between":
        raise Own("between")
    yield outer
    count("closing nested")


@router.get("/nested", dependencies=[Depends(_second)])
async def nested(log: Annotated[list, Depends(_nested)], error: str = ""):
    count()
    _raise(error)
    return log


#: Seconds after which what should be closed is given up.
_PATIENCE = 10.0
_state: dict[str, list[str]] = {}
_changed = threading.Condition()


def _note(key: str, what: str) -> list[str]:
    with _changed:
        noted = _state.setdefault(key, [])
        noted.append(what)
        _changed.notify_all()
        return noted


def _noted(key: str) -> Iterator[list[str]]:
    yield _note(key, "opened")
    _note(key, "closed")


@router.get("/keep-wait/{key}/{number}")
def keep_wait(key: str, number: int):
    """What was noted, once all is closed and `number` things are noted."""

    def done() -> bool:
        noted = _state.get(key, [])
        return len(noted) >= min(number, 8) and noted.count("opened") == noted.count("closed")

    with _changed:
        _changed.wait_for(done, _PATIENCE)
        return _state.get(key, [])


async def _streamed(noted: list[str]) -> AsyncIterator[str]:
    yield "begun "
    yield f"{noted}"


@router.get("/keep/{key}")
async def keep(key: str, noted: Annotated[list, Depends(_noted)], tasks: BackgroundTasks):
    """What was noted until now."""
    tasks.add_task(_note, key, "task")
    _note(key, "handled")
    return list(noted)


@router.get("/keep-streamed/{key}")
def keep_streamed(key: str, noted: Annotated[list, Depends(_noted)]):
    """Whether a dependency is closed when the answer begins, or when it ends."""
    return StreamingResponse(_streamed(noted))


_function = accepted(Depends, scope="function")
_request = accepted(Depends, scope="request")


@router.get("/keep-function/{key}")
def keep_function(key: str, noted: Annotated[list, Depends(_noted, **_function)]):
    return StreamingResponse(_streamed(noted))


@router.get("/keep-both/{key}")
async def keep_both(
    key: str,
    a: Annotated[list, Depends(_noted, **_function)],
    b: Annotated[list, Depends(_noted, **_request)],
):
    return {"log": list(a), "same": a is b}


def _sets(response: Response, request: Request) -> Iterator[None]:
    response.headers["x-before"] = "1"
    yield
    response.headers["x-after"] = request.method


@router.get("/headers", status_code=201)
def headers(_: Annotated[None, Depends(_sets)], raw: bool = False):
    """A header set after the answer was made is lost."""
    count()
    return Response("own") if raw else {"a": 1}


def _twice() -> Iterator[int]:
    yield 1
    yield 2


async def _never() -> AsyncIterator[int]:
    count()
    return
    yield 1


class _Session:
    """A context manager that is a dependency, though not entered."""

    def __init__(self, name: str = "s") -> None:
        self.name = name

    def __enter__(self) -> "_Session":
        raise AssertionError("it is never entered")

    def __exit__(self, *_: object) -> None:
        raise AssertionError("it is never left")


@router.get("/twice")
def twice(v: Annotated[int, Depends(_twice)]):
    """A generator that yields again."""
    count()
    return v


@router.get("/never")
async def never(v: Annotated[int, Depends(_never)]):
    """A generator that yields nothing."""
    count()
    return v


@router.get("/session")
def session(v: Annotated[_Session, Depends(_Session)]):
    count()
    return v.name


@router.get("/limited")
async def limited(
    a: Annotated[list, Depends(_first, **accepted(Depends, max_concurrency=1))],
    b: Annotated[int, Depends(lambda n=1: n, **accepted(Depends, max_concurrency=2))],
    q: Annotated[int, Query(le=5)] = 1,
):
    """One at a time."""
    count()
    return [a, b, q]
