"""Everything a handler can raise."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from .record import count

router = APIRouter(prefix="/failures")


class Odd(Exception):
    """An exception with a text of its own."""

    def __str__(self) -> str:
        return "odd: é\n\u2028"


class Teapot(HTTPException):
    """A subclass."""

    def __init__(self) -> None:
        super().__init__(418, {"short": "stout"})


def _cause() -> Exception:
    error = ValueError("outer")
    error.__cause__ = KeyError("inner")
    return error


RAISED: dict[str, Callable[[], BaseException]] = {
    "value": lambda: ValueError("wrong value"),
    "empty": lambda: RuntimeError(),
    "key": lambda: KeyError("missing 'key'"),
    "two": lambda: ValueError("a", 1),
    "os": lambda: FileNotFoundError(2, "No such file", "/x"),
    "unicode": lambda: ValueError("é \u2028 \x00 \U0001f600"),
    "surrogate": lambda: ValueError("\ud800"),
    "bytes": lambda: ValueError(b"x"),
    "odd": Odd,
    "cause": _cause,
    "stop-iteration": lambda: StopIteration("x"),
    "stop-async-iteration": lambda: StopAsyncIteration("x"),
    "timeout": lambda: TimeoutError("late"),
    "recursion": lambda: RecursionError("deep"),
    "assertion": lambda: AssertionError("not so"),
    "not-implemented": lambda: NotImplementedError(),
    "http-404": lambda: HTTPException(404),
    "http-text": lambda: HTTPException(400, "wrong é"),
    "http-none": lambda: HTTPException(400, None),
    "http-dict": lambda: HTTPException(409, {"a": [1, None], "b": "é"}),
    "http-list": lambda: HTTPException(422, [{"loc": ["x"], "msg": "m"}]),
    "http-number": lambda: HTTPException(400, 1.5),
    "http-nan": lambda: HTTPException(400, float("nan")),
    "http-object": lambda: HTTPException(400, {1, 2}),
    "http-headers": lambda: HTTPException(401, "who", headers={"WWW-Authenticate": "Basic"}),
    "http-retry": lambda: HTTPException(503, headers={"Retry-After": "5", "x-é": "é"}),
    "http-type": lambda: HTTPException(400, "x", headers={"content-type": "text/plain"}),
    "http-204": lambda: HTTPException(204),
    "http-304": lambda: HTTPException(304, headers={"etag": "x"}),
    "http-200": lambda: HTTPException(200, "fine"),
    "http-500": lambda: HTTPException(500, "own"),
    "http-599": lambda: HTTPException(599, "odd"),
    "http-999": lambda: HTTPException(999, "odder"),
    "http-subclass": Teapot,
    "starlette": lambda: StarletteHTTPException(404, "theirs"),
    "starlette-405": lambda: StarletteHTTPException(405),
    "validation": lambda: RequestValidationError([{"loc": ["query", "x"], "msg": "own"}]),
    "validation-odd": lambda: RequestValidationError([{"ctx": {"e": {1}}, "input": b"x"}]),
}  # fmt: skip


def _plain(name: str) -> Callable[..., Any]:
    def handler(quiet: bool = False):
        count(f"failures {name}")
        if not quiet:
            raise RAISED[name]()

    return handler


def _late(name: str) -> Callable[..., Any]:
    async def handler(quiet: bool = False):
        count(f"failures {name}")
        if not quiet:
            raise RAISED[name]()

    return handler


for _name in RAISED:
    router.add_api_route(f"/plain/{_name}", _plain(_name))
    router.add_api_route(f"/late/{_name}", _late(_name), methods=["GET", "HEAD", "POST"])


@router.get("/recurse")
def recurse(deep: bool = True):
    count("failures recurse")

    def deeper(left: int) -> int:
        return deeper(left - 1) + 1 if left else 0

    return deeper(1_000_000 if deep else 10)


@router.get("/own-type-error")
def own_type_error(a: int = 1):
    """An error that looks as if the call had gone wrong."""
    count()
    raise TypeError("own_type_error() got an unexpected keyword argument 'a'")
