"""One call of a FastAPI handler while it is carried out."""

from __future__ import annotations

import functools
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from skills_host.asgi import channel
from skills_host.plan import internals
from skills_host.plan.step import MISSING

if TYPE_CHECKING:
    from _skills_host import Call
    from skills_host.asgi import Waiters
    from skills_host.contract import Receive, Send
    from skills_host.plan.route import Plan

T = TypeVar("T")


class Loop(Protocol):
    """What a call needs of the runner of its event loop."""

    waiters: Waiters

    def scope(self, call: Call, plan: Any) -> dict[str, Any]:
        """Returns the scope of a request that the library has routed."""


class Run:
    """State of one call; nothing is made before it is needed.

    Args:
        loop: The runner of the call's loop.
        call: The call.
        plan: Its plan.
        slots: The bound values.

    Attributes:
        results: The results of the tree's steps.
        errors: The validation errors so far, as FastAPI collects them.
        body: The body as FastAPI's functions take it.
        background: The background tasks; `None` if nothing took them.
        data: The bytes of the body, once it was read.
        unread: The bytes of a form that is still to be parsed.
        response: What the handler's `Response` parameter is; `None` if nothing took it.
    """

    __slots__ = (
        "_request",
        "background",
        "body",
        "call",
        "data",
        "errors",
        "form",
        "json",
        "loop",
        "plan",
        "response",
        "results",
        "slots",
        "stacks",
        "unread",
    )

    def __init__(self, loop: Loop, call: Call, plan: Plan, slots: dict[str, Any]) -> None:
        self.loop = loop
        self.call = call
        self.plan = plan
        self.slots = slots
        self.results: list[Any] = [MISSING] * len(plan.tree.steps)
        self.errors: list[Any] = []
        self.body: Any = internals.no_body()
        self.background: Any = None
        self.response: Any = None
        self.data: bytes | None = None
        self.json: Any = MISSING
        self.form: Any = None
        self.unread: bytes | None = None
        self.stacks: tuple[AsyncExitStack, ...] = ()
        self._request: Any = None

    @property
    def request(self) -> Any:
        """The call's Starlette `Request`, of which there is one."""
        request = self._request
        if request is None:
            from starlette.requests import Request

            receive, send = self.channel()
            request = self._request = Request(self.loop.scope(self.call, self.plan), receive, send)
            self._fill(request)
        return request

    @property
    def scope(self) -> dict[str, Any]:
        """The scope of the request."""
        scope: dict[str, Any] = self.request.scope
        return scope

    def open(self, *stacks: AsyncExitStack) -> None:
        """Takes the stacks of the call: of its files, of what is closed late, and early."""
        self.stacks = stacks
        if self._request is not None:
            self._fill(self._request)

    def channel(self) -> tuple[Receive, Send]:
        """Returns the `receive` and `send` of the call."""
        return channel(self.call, self.loop.waiters)

    def background_tasks(self) -> Any:
        """Returns the background tasks of the call, of which there is one object."""
        if self.background is None:
            from fastapi import BackgroundTasks

            self.background = BackgroundTasks()
        return self.background

    def own_response(self) -> Any:
        """Returns the response that handlers and dependencies change, of which there is one."""
        if self.response is None:
            kind, attributes = _empty_response()
            self.response = response = object.__new__(kind)
            vars(response).update(attributes, raw_headers=[])
        return self.response

    def drive(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns the result of a coroutine that never waits."""
        try:
            work.send(None)
        except StopIteration as done:
            result: T = done.value
            return result
        work.close()
        raise RuntimeError("a coroutine waits where none may")

    def _fill(self, request: Any) -> None:
        """Gives a request what was read of the call before it was made."""
        if self.data is not None:
            request._body = self.data
            request._stream_consumed = True
        if self.json is not MISSING:
            request._json = self.json
        if self.form is not None:
            request._form = self.form
            request._stream_consumed = True
        scope, names = request.scope, self.plan.stack_names
        if internals.CLEANUPS in names:
            scope[internals.CLEANUPS] = {}
        if self.stacks:
            for name, number in internals.STACKS.items():
                if name in names:
                    scope[name] = self.stacks[number]


@functools.cache
def _empty_response() -> tuple[type[Any], dict[str, Any]]:
    """Returns the class of own responses, and the attributes of one without headers and status."""
    from starlette.responses import Response

    attributes = {name: value for name, value in vars(Response()).items() if name != "_headers"}
    attributes["status_code"] = None
    return Response, attributes
