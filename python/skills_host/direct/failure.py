"""Exceptions of handlers, answered by the handlers that an application has for them."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import _skills_host
from skills_host.asgi import last_resort

if TYPE_CHECKING:
    from _skills_host import Call
    from skills_host.contract import Application

logger = logging.getLogger("skills_host.direct")

#: FastAPI's handler of invalid values.
_INVALID = "request_validation_exception_handler"

#: Makes the request that an exception handler gets.
MakesRequest = Callable[[], Any]


def handler_for(app: Application, error: BaseException) -> Callable[[Any, Any], Any] | None:
    """Returns the handler of an exception: of its status, or of its type."""
    handlers: Mapping[Any, Any] = app.exception_handlers
    last = handlers[Exception]
    status = getattr(error, "status_code", None)
    found: Callable[[Any, Any], Any]
    if isinstance(status, int) and status != 500 and status in handlers and _is_http(error):
        found = handlers[status]
        return found
    found = next((handlers[t] for t in type(error).__mro__ if t in handlers), last)
    return None if found is last else found


def response_now(app: Application, error: BaseException) -> Any:
    """Returns the response of FastAPI's own handlers, which never wait.

    Returns:
        The response; `None` for all other handlers, and where it cannot be made.
    """
    handler = handler_for(app, error)
    if handler is None or not _is_own(handler):
        return None
    if handler.__name__ == _INVALID and (made := _invalid_now(error)) is not None:
        return made
    try:
        handler(None, error).send(None)
    except StopIteration as done:
        return done.value
    except Exception:
        logger.debug("the loop answers the exception", exc_info=True)
    return None


async def response(
    app: Application, call: Call, error: BaseException, request: MakesRequest
) -> Any:
    """Returns the response of the exception's handler; `None` if it has none.

    Raises:
        RuntimeError: The answer was begun before.
    """
    handler = handler_for(app, error)
    if handler is None:
        return None
    if call.started:
        raise RuntimeError("Caught handled exception, but response already started.") from error
    if _is_own(handler):
        return response_now(app, error) or await handler(None, error)
    if inspect.iscoroutinefunction(handler):
        return await handler(request(), error)
    from starlette._utils import is_async_callable
    from starlette.concurrency import run_in_threadpool

    if is_async_callable(handler):
        return await handler(request(), error)
    return await run_in_threadpool(handler, request(), error)


async def last_response(app: Application, call: Call, error: BaseException) -> Any:
    """Logs an exception without a handler; returns the response, or `None` if one was begun."""
    logger.error("unhandled exception in %s", call.path, exc_info=error)
    if call.started:
        return None
    return await app.exception_handlers[Exception](None, error)


def unanswered(call: Call) -> None:
    """Answers a call whose response could not be made."""
    logger.exception("the answer to %s could not be made", call.path)
    last_resort(call)


def _is_http(error: BaseException) -> bool:
    from starlette.exceptions import HTTPException

    return isinstance(error, HTTPException)


def _invalid_now(error: Any) -> Any:
    """Returns the response for values that are not valid, if they are plain JSON."""
    from starlette.responses import Response

    content = _skills_host.to_json({"detail": error.errors()})
    if content is None:
        return None
    return Response(content, status_code=422, media_type="application/json")


def _is_own(handler: Callable[..., Any]) -> bool:
    """Returns true for FastAPI's own handlers, which neither wait nor look at the request."""
    return getattr(handler, "__module__", None) == "fastapi.exception_handlers"
