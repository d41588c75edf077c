"""Handlers that yield: server-sent events, lines of JSON, bytes; and streams that are returned."""

import asyncio
import io
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Callable,
    Generator,
    Iterable,
    Iterator,
)
from typing import Annotated, Any

import fastapi.responses
from fastapi import APIRouter, Body, Depends, Header, HTTPException, Query, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from pydantic import BaseModel, Field

from .record import count

router = APIRouter(prefix="/streams")


class Item(BaseModel):
    """What is streamed."""

    name: str
    price: Annotated[float, Field(gt=0.5)] = 1.5
    none: int | None = None


class Image(StreamingResponse):
    """Bytes of a type of their own."""

    media_type = "image/x-own"


_RATE = Annotated[int, Query(ge=0, le=5)]


async def _items(number: _RATE = 2, fail: int = -1) -> AsyncIterator[Item]:
    for index in range(number):
        if index == fail:
            raise ValueError("in the middle")
        yield Item(name=f"é\n{index}")
        await asyncio.sleep(0)
    count("streams items ended")


def _plain_items(number: _RATE = 2, fail: int = -1) -> Iterator[dict[str, Any]]:
    for index in range(number):
        if index == fail:
            raise HTTPException(409, "in the middle")
        yield {"name": f"{index}", "price": index, "extra": None}
    count("streams plain items ended")


async def _texts(number: _RATE = 2) -> AsyncIterator[str]:
    for index in range(number):
        yield f"é{index}\n"


def _bytes(number: _RATE = 2) -> Iterator[bytes]:
    for index in range(number):
        yield bytes([index, 255])


def _odd() -> Iterator[Any]:
    yield from (None, 1.5, "text", [1], {"a": float("nan")}, b"x", {1}, Item(name="n"))


def _returning(inner: Callable[..., Any], annotation: Any) -> Callable[..., Any]:
    """`inner`, a generator function, with another type of what it returns."""
    made = type(inner)(
        inner.__code__, inner.__globals__, inner.__name__, inner.__defaults__, inner.__closure__
    )
    made.__annotations__ = {**inner.__annotations__, "return": annotation}
    if annotation is None:
        del made.__annotations__["return"]
    return made


#: Generator functions by name, with their return types.
_STREAMED: dict[str, Callable[..., Any]] = {
    "late-iterable": _returning(_items, AsyncIterable[Item]),
    "late-iterator": _returning(_items, AsyncIterator[Item]),
    "late-generator": _returning(_items, AsyncGenerator[Item, None]),
    "late-any": _returning(_items, None),
    "late-dicts": _returning(_items, AsyncIterable[dict[str, Any]]),
    "iterable": _returning(_plain_items, Iterable[Item]),
    "generator": _returning(_plain_items, Generator[Item, None, None]),
    "any": _returning(_plain_items, None),
    "texts": _returning(_texts, AsyncIterable[str]),
    "odd": _returning(_odd, None),
    "odd-any": _returning(_odd, Iterable[Any]),
}
#: Whether FastAPI streams what a handler yields, or takes the generator for the result.
_STREAMS = hasattr(fastapi.responses, "EventSourceResponse")

for _name, _stream in _STREAMED.items():
    router.add_api_route(f"/listed/{_name}", _stream, response_model=None)
    if _STREAMS or ("late" not in _name and _name != "texts"):
        router.add_api_route(f"/lines/{_name}", _stream, methods=["GET"])
        router.add_api_route(
            f"/options/{_name}", _stream, status_code=202, response_model_exclude_none=True
        )

_CLASSES: dict[str, type[Response]] = {
    "stream": StreamingResponse,
    "image": Image,
    "text": PlainTextResponse,
    "json": JSONResponse,
}
for _name, _class in _CLASSES.items():
    for _kind, _stream in {"bytes": _bytes, "texts": _texts}.items():
        _handler = _returning(_stream, None)
        router.add_api_route(f"/class/{_kind}/{_name}", _handler, response_class=_class)


@router.get("/returned")
async def returned(number: _RATE = 3, kind: str = "late"):
    """Streams that are returned."""
    count()
    if kind == "file":
        return StreamingResponse(io.BytesIO(b"a\nb\n"), media_type="application/octet-stream")
    if kind == "text":
        return StreamingResponse("one by one")
    stream = _texts(number) if kind == "late" else _bytes(number)
    return StreamingResponse(stream, 203, {"x-kind": kind}, media_type="text/plain")


if _STREAMS:
    from fastapi.sse import EventSourceResponse, ServerSentEvent

    events = APIRouter(prefix="/events", default_response_class=EventSourceResponse)

    async def _events(
        last_event_id: Annotated[int | None, Header()] = None, number: _RATE = 2
    ) -> AsyncIterable[ServerSentEvent]:
        for index in range(last_event_id or 0, number):
            yield ServerSentEvent(data={"n": index}, event="step", id=str(index), retry=index)
        yield ServerSentEvent(raw_data="raw é\r\nlines\n", comment="a\nb")
        yield ServerSentEvent(comment="only")
        yield ServerSentEvent(data=Item(name="x"))

    def _wrong_events(fail: str = "") -> Iterable[Any]:
        yield ServerSentEvent(data="text")
        if fail == "both":
            yield ServerSentEvent(data=1, raw_data="1")
        if fail:
            yield ServerSentEvent(event="a\nb")
        yield {"plain": [1]}
        yield None

    for _name, _stream in (_STREAMED | {"events": _events, "wrong": _wrong_events}).items():
        router.add_api_route(
            f"/sse/{_name}", _stream, response_class=EventSourceResponse, methods=["GET", "POST"]
        )
        events.add_api_route(f"/{_name}", _stream)

    @events.post("/body", status_code=201)
    async def events_of_body(
        item: Annotated[Item, Body()], response: Response, again: Annotated[int, Depends(lambda: 2)]
    ) -> AsyncIterable[Item]:
        response.headers["x-set"] = "1"
        for _ in range(again):
            yield item

    @events.get("/no-generator")
    async def events_of_nothing():
        return [1]

    router.include_router(events)
