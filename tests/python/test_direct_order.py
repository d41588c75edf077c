"""What a direct call does, and in which order, is what FastAPI does."""

import contextvars
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import pytest
from direct_calls import Call, Direct, answer
from fastapi import (
    BackgroundTasks,
    Body,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    Response,
)
from pydantic import AfterValidator, BaseModel

seen = contextvars.ContextVar("seen", default="nothing")


class World:
    """An application whose parts record what they do."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.app = FastAPI()
        self.app.add_exception_handler(Exception, _failed)

    def note(self, what: str) -> None:
        self.events.append(f"{what} ({seen.get()})")

    def function(self, name: str, fails: Exception | None = None) -> Callable[..., str]:
        def dependency(number: int = 1) -> str:
            self.note(name)
            seen.set(name)
            if fails:
                raise fails
            return name

        return dependency

    def coroutine(self, name: str, fails: Exception | None = None) -> Callable[..., Any]:
        async def dependency(number: int = 1) -> str:
            self.note(name)
            seen.set(name)
            if fails:
                raise fails
            return name

        return dependency

    def generator(self, name: str, how: str = "passes") -> Callable[..., Iterator[str]]:
        def dependency() -> Iterator[str]:
            self.note(f"{name} opened")
            seen.set(name)
            try:
                yield name
            except BaseException as error:
                self.note(f"{name} saw {type(error).__name__}")
                if how == "raises":
                    raise HTTPException(409, name) from error
                if how != "swallows":
                    raise
            finally:
                self.note(f"{name} closed")

        return dependency

    def late(self, name: str, how: str = "passes") -> Callable[..., AsyncIterator[str]]:
        async def dependency() -> AsyncIterator[str]:
            self.note(f"{name} opened")
            seen.set(name)
            try:
                yield name
            except BaseException as error:
                self.note(f"{name} saw {type(error).__name__}")
                if how != "swallows":
                    raise
            finally:
                self.note(f"{name} closed")

        return dependency

    def task(self, name: str) -> Callable[[], None]:
        return lambda: self.note(f"task {name}")

    def both(self, ask: Any, url: str, **options: Any) -> tuple[Any, Any]:
        """Returns answer and events of FastAPI, and of the direct call."""
        method = options.pop("method", "GET")
        content = options.get("content", b"")
        headers = options.get("headers", {})
        self.events.clear()
        response = ask(self.app, method, url, **options)
        fastapis = (response.status_code, response.json() if response.content else None)
        expected = (fastapis, list(self.events))
        direct = Direct(self.app)
        path = url.split("?")[0]
        # The first request may be FastAPI's, for what its routing adds to the scope.
        for _ in range(2):
            self.events.clear()
            call = Call(direct.number(path, method), method, url, headers, content)
            direct.ask(call)
        assert direct.plan(path, method).why is None
        direct.close()
        return expected, (answer(call), self.events)


async def _failed(request: Request, error: Exception) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({"error": str(error)}, 500)


KINDS = ("function", "coroutine", "generator", "late")


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
@pytest.mark.parametrize("third", KINDS)
@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("fails", ["", "handler", "http"])
def test_dependencies_of_all_kinds(ask, first, second, third, is_async, fails):
    world = World()
    one = getattr(world, first)("one")
    two = getattr(world, second)("two")
    three = getattr(world, third)("three")

    def end(tasks: BackgroundTasks) -> list[str]:
        tasks.add_task(world.task("def"))
        world.note("handler")
        if fails == "handler":
            raise ValueError("wrong")
        if fails == "http":
            raise HTTPException(418, "tea")
        return ["done"]

    def handler(
        tasks: BackgroundTasks,
        a: Annotated[str, Depends(one)],
        b: Annotated[str, Depends(two)],
        again: Annotated[str, Depends(one)],
        c: Annotated[str, Depends(three, use_cache=False)],
    ) -> Any:
        return [*end(tasks), a, b, again, c]

    async def async_handler(
        tasks: BackgroundTasks,
        a: Annotated[str, Depends(one)],
        b: Annotated[str, Depends(two)],
        again: Annotated[str, Depends(one)],
        c: Annotated[str, Depends(three, use_cache=False)],
    ) -> Any:
        return [*end(tasks), a, b, again, c]

    world.app.get("/x")(async_handler if is_async else handler)
    fastapis, direct = world.both(ask, "/x")
    assert direct == fastapis


@pytest.mark.parametrize("how", ["passes", "raises", "swallows"])
@pytest.mark.parametrize("scope", [None, "function", "request"])
@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_what_a_dependency_makes_of_an_error(ask, how, scope, is_async):
    world = World()
    options = {"scope": scope} if scope else {}
    try:
        needed = Depends(world.generator("resource", how), **options)
    except TypeError:
        pytest.skip("this FastAPI has no scopes of dependencies")

    def handler(a: Annotated[str, needed], b: Annotated[str, Depends(world.generator("other"))]):
        raise ValueError("wrong")

    async def async_handler(
        a: Annotated[str, needed], b: Annotated[str, Depends(world.late("other"))]
    ):
        raise ValueError("wrong")

    world.app.get("/x")(async_handler if is_async else handler)
    fastapis, direct = world.both(ask, "/x")
    assert direct == fastapis


@pytest.mark.parametrize("query", ["", "?number=x", "?late=1", "?number=x&late=1"])
def test_all_errors_are_in_one_list_and_siblings_are_called(ask, query):
    world = World()

    def checked(value: int) -> int:
        world.note("validator")
        if value < 0:
            raise ValueError("negative")
        return value

    def inner(needed: Annotated[int, Header()]) -> int:
        world.note("inner")
        return needed

    def outer(inner: Annotated[int, Depends(inner)], other: int = 1) -> int:
        world.note("outer")
        return inner

    class Item(BaseModel):
        name: str
        count: Annotated[int, AfterValidator(checked)]

    @world.app.post("/x")
    async def handler(
        item: Item,
        a: Annotated[int, Depends(outer)],
        b: Annotated[str, Depends(world.function("sibling"))],
        c: Annotated[str, Depends(world.coroutine("other"))],
        late: Annotated[int, AfterValidator(checked), Query()] = 0,
    ) -> Any:
        world.note("handler")
        return item

    for body in (b'{"name": "a", "count": 1}', b'{"count": -1}', b"[]", b"", b"{", b"null"):
        for headers in ({"needed": "1"}, {}):
            headers["content-type"] = "application/json"
            fastapis, direct = world.both(
                ask, f"/x{query}", method="POST", content=body, headers=headers
            )
            assert direct == fastapis


def test_a_failing_token_beats_a_bad_body_but_not_a_broken_one(ask):
    world = World()

    class Item(BaseModel):
        name: str

    @world.app.post("/x")
    def handler(
        item: Item,
        token: Annotated[str, Depends(world.function("token", HTTPException(401, "no token")))],
    ) -> Any:
        return item

    for body in (b'{"name": 1}', b"{", b'{"name": "a"}'):
        fastapis, direct = world.both(
            ask, "/x", method="POST", content=body, headers={"content-type": "application/json"}
        )
        assert direct == fastapis


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async def"])
def test_the_own_response_and_the_request_are_one_object(ask, is_async):
    world = World()

    def needs(request: Request, response: Response, tasks: BackgroundTasks) -> dict[str, Any]:
        request.state.number = 7
        response.headers["x-a"] = "1"
        response.status_code = 202
        tasks.add_task(world.task("first"))
        return {"tasks": id(tasks), "request": id(request)}

    def end(own: dict[str, Any], request: Request, tasks: BackgroundTasks) -> Any:
        tasks.add_task(world.task("second"))
        world.note(f"{request.state.number} {request.url.path} {sorted(request.scope)}")
        same = own == {"tasks": id(tasks), "request": id(request)}
        return {"same": same, "route": request.scope["route"].path, "endpoint": "handler"}

    def handler(
        own: Annotated[dict, Depends(needs)], request: Request, tasks: BackgroundTasks
    ) -> Any:
        return end(own, request, tasks)

    async def async_handler(
        own: Annotated[dict, Depends(needs)], request: Request, tasks: BackgroundTasks
    ) -> Any:
        return end(own, request, tasks)

    world.app.get("/x")(async_handler if is_async else handler)
    fastapis, direct = world.both(ask, "/x")
    assert direct == fastapis


def test_a_body_is_read_once_and_stays_readable(ask):
    world = World()

    async def reads(request: Request) -> bytes:
        return await request.body()

    @world.app.post("/x")
    async def handler(
        data: Annotated[bytes, Depends(reads)], item: Annotated[dict, Body()], request: Request
    ) -> Any:
        return {"data": data.decode(), "item": item, "json": await request.json()}

    fastapis, direct = world.both(
        ask, "/x", method="POST", content=b'{"a": 1}', headers={"content-type": "application/json"}
    )
    assert direct == fastapis
