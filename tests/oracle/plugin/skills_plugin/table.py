"""A route for each kind and each place where a parameter can stand."""

# ruff: noqa: UP045 - both spellings of unions are checked

from collections.abc import Callable
from typing import Annotated, Any, Optional

from fastapi import APIRouter, Cookie, Header, Path, Query

from .kinds import COMMON, RARE
from .record import count, echo

router = APIRouter()


def _handler(name: str, annotation: Any, default: tuple[Any, ...], late: bool) -> Callable:
    """A handler with one parameter `v`, a coroutine function if `late`."""

    def plain(v: Any) -> dict[str, Any]:
        count(name)
        return echo(v=v)

    async def coroutine(v: Any) -> dict[str, Any]:
        count(name)
        return echo(v=v)

    handler = coroutine if late else plain
    handler.__annotations__ = {"v": annotation, "return": dict[str, Any]}
    handler.__defaults__ = default or None
    handler.__name__ = "".join(c if c.isalnum() else "_" for c in name.strip("/"))
    return handler


def _add(path: str, annotation: Any, *default: Any) -> None:
    late = len(router.routes) % 2 == 0
    router.add_api_route(path, _handler(path, annotation, default, late))


for _name, _kind in {**COMMON, **RARE}.items():
    _common = _name in COMMON
    if _name != "maybe":
        _add(f"/path/{_name}/{{v}}", Annotated[_kind, Path()])
    _add(f"/query/{_name}", _kind)
    _add(f"/query-list/{_name}", Annotated[list[_kind], Query()])
    _add(f"/header/{_name}", Annotated[_kind, Header()])
    _add(f"/query-optional/{_name}", Annotated[Optional[_kind], Query()], None)
    if _common:
        _add(f"/header-optional/{_name}", Annotated[_kind | None, Header()], None)
        _add(f"/header-list/{_name}", Annotated[list[_kind], Header(alias="X-V")], [])
        _add(f"/cookie/{_name}", Annotated[_kind, Cookie()])
        _add(f"/cookie-optional/{_name}", Annotated[_kind | None, Cookie()], None)
        _add(f"/query-list-optional/{_name}", Annotated[list[_kind] | None, Query()], None)
        _add(f"/query-list-of-optional/{_name}", Annotated[list[Optional[_kind]], Query()], [None])
