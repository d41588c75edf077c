"""The call whose code runs, as the daemon provides it to the public functions of the SDK.

The host sets `current` in the context of each call: it is there in the handler, in the tasks and
pool threads that it starts, and gone where code runs for no call.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Protocol


class Ending(Protocol):
    """A wait for the end of a call."""

    def wait(self) -> bool:
        """Waits until the call is cancelled or answered; false after `stop`."""

    def stop(self) -> None:
        """Ends the wait."""


class Console(Protocol):
    """What the caller of a call sees and answers while it runs."""

    @property
    def answers(self) -> bool:
        """True while a person answers questions."""

    def ask(self, questions: list[str], /) -> list[str | None]:
        """Asks questions together, each given as JSON; the answers, None for one without."""

    def progress(
        self,
        task: int,
        description: str,
        done: float,
        total: float | None,
        is_complete: bool,
        /,
    ) -> None:
        """Shows how far a task is."""


class Call(Protocol):
    """A call in the daemon."""

    @property
    def caller(self) -> str | None:
        """Where it comes from, as JSON; None for a request over HTTP."""

    @property
    def console(self) -> Console:
        """What the caller sees and answers."""

    @property
    def ended(self) -> bool:
        """True once it was answered."""

    @property
    def cancelled(self) -> bool:
        """True once it was cancelled."""

    def ending(self) -> Ending:
        """Returns a wait for the end of the call."""

    def header(self, name: str, /) -> str | None:
        """Returns the first header of that name in a request over HTTP."""

    @property
    def traceparent(self) -> str | None:
        """The span of the handler, as W3C Trace Context writes it; None if it is not traced."""

    @property
    def tracestate(self) -> str | None:
        """The `tracestate` that goes with it; None if there is none."""

    @property
    def records(self) -> bool:
        """True if spans are recorded."""

    def record(self, span: str, /) -> None:
        """Records a span that has ended, given as JSON."""


current: ContextVar[Call | None] = ContextVar("skills_daemon.call", default=None)
"""The call whose code runs; None outside of a call."""

innermost: ContextVar[tuple[Call, int] | None] = ContextVar("skills_daemon.span", default=None)
"""The innermost span of `skills_daemon.span` and its call; None outside of one."""


def traceparent_of(call: Call, span: int | None = None) -> str | None:
    """Returns a span of a call as W3C Trace Context writes it; None if the call is not traced.

    Args:
        call: The call.
        span: The id of the span; the innermost one by default.
    """
    handler = call.traceparent
    if handler is None:
        return None
    if span is None:
        found = innermost.get()
        if found is None or found[0] is not call:
            return handler
        span = found[1]
    version, trace, _, flags = handler.split("-")
    return f"{version}-{trace}-{span:016x}-{flags}"


def may_block(name: str) -> None:
    """Checks that the thread may wait for something.

    Args:
        name: The function that waits.

    Raises:
        RuntimeError: An event loop runs on the thread.
    """
    # Without a loop nothing has imported it.
    asyncio = sys.modules.get("asyncio.events")
    if asyncio is not None and asyncio._get_running_loop() is not None:
        raise RuntimeError(
            f"{name}() blocks the event loop; in `async def` functions, call it by"
            f" `await asyncio.to_thread({name}, …)`"
        )
