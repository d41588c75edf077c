"""Dependencies."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response, Security
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    OAuth2PasswordBearer,
    SecurityScopes,
)

from .record import count, echo

router = APIRouter(prefix="/needs")


def page(skip: Annotated[int, Query(ge=0)] = 0, limit: int = 10) -> dict[str, Any]:
    """A function."""
    count()
    return {"skip": skip, "limit": limit}


async def late_page(q: str | None = None, page: dict = Depends(page)) -> dict[str, Any]:  # noqa: B008
    """A coroutine function that needs another."""
    count()
    return {"q": q, **page}


class Common:
    """A class."""

    def __init__(self, a: int = 1, x_b: Annotated[str, Header()] = "none") -> None:
        count()
        self.a, self.b = a, x_b


class Checker:
    """An object that can be called."""

    def __init__(self, allowed: str) -> None:
        self._allowed = allowed

    def __call__(self, word: str = "yes") -> str:
        count()
        if word != self._allowed:
            raise HTTPException(403, f"{word} is not {self._allowed}", headers={"x-word": "no"})
        return word


def opened(fail: bool = False) -> Iterator[list[str]]:
    """A generator; what is done after the answer shows in the counts."""
    log = ["open"]
    try:
        yield log
    except ValueError as error:
        count("needs saw the error")
        if fail:
            raise HTTPException(409, f"was {error}") from error
        raise
    finally:
        count("needs closed")


async def late_opened(log: Annotated[list[str], Depends(opened)]) -> AsyncIterator[list[str]]:
    """A generator in a generator."""
    log.append("late")
    yield log
    count("needs closed late")


def sets(response: Response, mark: str = "1") -> None:
    """Changes the answer."""
    response.headers["x-mark"] = mark
    response.set_cookie("mark", mark)
    if mark == "202":
        response.status_code = 202


def who(scopes: SecurityScopes, request: Request) -> dict[str, Any]:
    """Returns the scopes."""
    return {"scopes": scopes.scopes, "path": request.url.path}


@router.get("/function")
def function(page: Annotated[dict, Depends(page)], own: int = 0):
    count()
    return echo(page=page, own=own)


@router.get("/tree")
async def tree(
    first: Annotated[dict, Depends(late_page)],
    second: Annotated[dict, Depends(page)],
    third: Annotated[dict, Depends(page, use_cache=False)],
    same: Annotated[dict, Depends(page)],
):
    count()
    return {**echo(first=first, second=second, third=third), "same": second is same,
            "other": third is same}  # fmt: skip


@router.get("/class")
def of_class(common: Annotated[Common, Depends()]):
    count()
    return echo(a=common.a, b=common.b)


@router.get("/checker")
async def checker(word: str = Depends(Checker("yes"))):
    count()
    return echo(word=word)


@router.get("/yield")
def of_yield(log: Annotated[list, Depends(late_opened)], error: str = ""):
    count()
    if error == "http":
        raise HTTPException(418, "tea")
    if error:
        raise ValueError(error)
    return {"log": log}


@router.get("/sets", dependencies=[Depends(sets)])
def of_sets(response: Response):
    count()
    response.headers["x-own"] = "1"
    return {"a": 1}


@router.get("/sets-and-returns", dependencies=[Depends(sets)])
async def of_sets_and_returns():
    count()
    return Response("own")


@router.get("/scopes")
def scopes(v: Annotated[dict, Security(who, scopes=["read", "write"])]):
    count()
    return v


#: Where a secret is looked for.
_SCHEMES: dict[str, Any] = {
    "key-header": APIKeyHeader(name="X-Key"),
    "key-header-optional": APIKeyHeader(name="X-Key", auto_error=False),
    "key-query": APIKeyQuery(name="key"),
    "key-cookie": APIKeyCookie(name="key"),
    "basic": HTTPBasic(),
    "basic-realm": HTTPBasic(realm="here", auto_error=False),
    "bearer": HTTPBearer(),
    "oauth": OAuth2PasswordBearer("/token"),
}


def _secured(scheme: Any) -> Any:
    def handler(secret: Any = Security(scheme)):  # noqa: B008
        count("needs secured")
        return echo(secret=secret)

    return handler


for _name, _scheme in _SCHEMES.items():
    router.add_api_route(f"/secured/{_name}", _secured(_scheme))


def guard(x_guard: Annotated[str | None, Header()] = None) -> None:
    """Refuses requests without the header."""
    count()
    if x_guard is None:
        raise HTTPException(401, "no guard")


guarded = APIRouter(prefix="/guarded", dependencies=[Depends(guard)], tags=["guarded"])


@guarded.get("/plain")
def guarded_plain(a: int = 1):
    """Looks as simple as can be: the dependency is the router's."""
    count()
    return echo(a=a)


inner = APIRouter(prefix="/inner/{level}")


@inner.get("/{item}")
async def guarded_inner(item: int, level: str):
    count()
    return echo(item=item, level=level)


guarded.include_router(inner, dependencies=[Depends(Checker("yes"))])
router.include_router(guarded)
