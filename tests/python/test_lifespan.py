"""The lifespan of an application, as a server runs it: `skills_host.lifespan` by itself."""

import asyncio
import contextlib

import pytest
from fastapi import APIRouter, FastAPI

from skills_host.functions.application import Application
from skills_host.lifespan import Lifespan


def begin_and_end(lifespan: Lifespan, limit: float = 60.0) -> tuple[str | None, str | None]:
    async def both() -> tuple[str | None, str | None]:
        return await lifespan.start(limit), await lifespan.end(limit)

    return asyncio.run(both())


def application(lifespan) -> FastAPI:
    return FastAPI(lifespan=contextlib.asynccontextmanager(lifespan))


def test_it_runs_around_what_lies_between_in_one_task():
    tasks = []

    async def lifespan(app):
        tasks.append(asyncio.current_task())
        yield {"database": app.title}
        tasks.append(asyncio.current_task())

    made = Lifespan(application(lifespan))
    assert made.state == {}
    assert begin_and_end(made) == (None, None)
    assert made.state == {"database": "FastAPI"}
    assert tasks[0] is tasks[1]


def test_handlers_of_an_included_router_run():
    notes = []
    router = APIRouter()
    router.on_startup.append(lambda: notes.append("startup"))
    router.on_shutdown.append(lambda: notes.append("shutdown"))
    app = FastAPI()
    app.include_router(router, prefix="/p")
    assert begin_and_end(Lifespan(app)) == (None, None)
    # Newer FastAPI versions run them twice.
    assert list(dict.fromkeys(notes)) == ["startup", "shutdown"]


@pytest.mark.parametrize("app", [FastAPI(), Application("p", [])], ids=["FastAPI", "functions"])
def test_an_application_may_have_none(app):
    made = Lifespan(app)
    assert begin_and_end(made) == (None, None)
    assert made.state == {}


def test_what_fails_is_returned_once():
    async def fails_at_start(app):
        raise ValueError("no luck")
        yield

    async def fails_at_end(app):
        yield
        raise ValueError("no luck")

    complaint = "lifespan failed: ValueError: no luck"
    assert begin_and_end(Lifespan(application(fails_at_start))) == (complaint, None)
    assert begin_and_end(Lifespan(application(fails_at_end))) == (None, complaint)


def test_what_waits_for_ever_is_cancelled():
    notes = []

    async def waits_at_start(app):
        try:
            await asyncio.Event().wait()
        finally:
            notes.append("start cancelled")
        yield

    async def waits_at_end(app):
        yield
        try:
            await asyncio.Event().wait()
        finally:
            notes.append("end cancelled")

    complaint = "lifespan did not start in 0.01 s"
    assert begin_and_end(Lifespan(application(waits_at_start)), 0.01) == (complaint, None)
    made = Lifespan(application(waits_at_end))

    async def both():
        assert await made.start(60.0) is None
        return await made.end(0.01)

    assert asyncio.run(both()) == "lifespan did not end in 0.01 s"
    assert notes == ["start cancelled", "end cancelled"]


def test_one_that_ends_by_itself_is_reported_in_the_log(caplog):
    async def app(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise ValueError("broken meanwhile")

    async def both():
        started = await made.start(60.0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        return started, await made.end(60.0)

    made = Lifespan(app)
    assert asyncio.run(both()) == (None, None)
    [record] = caplog.records
    assert "broken meanwhile" in str(record.exc_info)


def test_ending_what_never_began_does_nothing():
    assert asyncio.run(Lifespan(FastAPI()).end(60.0)) is None
