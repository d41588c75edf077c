"""Spans: what a command spends its time on, in the trace of its call.

The daemon traces calls where `[traces]` in `config.toml` names a collector of OpenTelemetry. It
records each traced call and its handler by itself; `span` records parts of a handler. Nothing is
needed for that besides this package. Where a call is not traced, and outside the daemon, spans
cost next to nothing and record nothing.

Spans of the OpenTelemetry API (`opentelemetry.trace`) are recorded in the same trace, unless a
plugin sets a provider of its own: the two may be nested in each other.
"""

from __future__ import annotations

import contextlib
import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import Token
from types import TracebackType
from typing import Any

from skills_daemon._call import Call, current, innermost, traceparent_of


class Span:
    """A part of a call, from the begin of a `with` block to its end."""

    def __init__(self, name: str, attributes: dict[str, Any]) -> None:
        self._name = name
        self._attributes = attributes
        self._call: Call | None = None
        self._begun = 0
        self._id = 0
        self._parent = 0
        self._left = contextlib.ExitStack()

    def set(self, **attributes: Any) -> None:
        """Sets attributes: texts, numbers, booleans, or lists of one of these."""
        self._attributes.update(attributes)

    @property
    def traceparent(self) -> str | None:
        """The span, as W3C Trace Context writes it, for requests to others; None if not traced."""
        return None if self._call is None else traceparent_of(self._call, self._id)

    def __enter__(self) -> Span:
        call = current.get()
        if call is None or not call.records:
            return self
        self._call, self._begun = call, time.time_ns()
        self._id, self._parent = new_id(), parent_in(call)
        token = innermost.set((call, self._id))
        self._left.callback(_reset, token)
        if "opentelemetry.trace" in sys.modules:
            self._left.callback(_attach(call, self._id))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        call = self._call
        if call is None:
            return
        self._left.close()
        call.record(
            json.dumps(
                {
                    "name": self._name,
                    "id": self._id,
                    "parent": self._parent,
                    "begun": self._begun,
                    "ended": time.time_ns(),
                    "attributes": plain(self._attributes),
                    "error": None if error is None else described(error),
                    "moments": [] if error is None else [moment_of(error)],
                }
            )
        )


def span(name: str, /, **attributes: Any) -> Span:
    """Returns a span of the call whose code runs, for a `with` block.

    An exception that leaves the block marks the span as failed.

    Args:
        name: What is done; few different texts, so that traces can be compared.
        attributes: What it is done to: texts, numbers, booleans, or lists of one of these.
    """
    return Span(name, attributes)


def new_id() -> int:
    """Returns a random id of a span."""
    return random.getrandbits(64) or 1


def parent_in(call: Call) -> int:
    """Returns the id of the innermost span of a call; 0 for that of its handler."""
    if "opentelemetry.trace" in sys.modules:
        from opentelemetry import trace

        context = trace.get_current_span().get_span_context()
        if context.is_valid and f"-{context.trace_id:032x}-" in (call.traceparent or ""):
            return int(context.span_id)
    found = innermost.get()
    return found[1] if found is not None and found[0] is call else 0


def plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Returns attributes as JSON has them; values of other types become text."""
    return {str(name): _plain(value) for name, value in attributes.items()}


def described(error: BaseException) -> str:
    """Returns an exception as one line."""
    text = str(error)
    return f"{type(error).__qualname__}: {text}" if text else type(error).__qualname__


def moment_of(error: BaseException) -> dict[str, Any]:
    """Returns an exception as an event of a span, by the names of OpenTelemetry."""
    kind = type(error)
    attributes = {
        "exception.type": f"{kind.__module__}.{kind.__qualname__}",
        "exception.message": str(error),
    }
    return {"name": "exception", "at": time.time_ns(), "attributes": attributes}


def _plain(value: Any) -> Any:
    if isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        # JSON has neither infinity nor NaN.
        return value if value - value == 0 else str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value)


def _attach(call: Call, span: int) -> Callable[[], None]:
    """Makes a span the current one of the OpenTelemetry API; returns what undoes it."""
    from opentelemetry import context, trace

    trace_id = int((call.traceparent or "").split("-")[1], 16)
    state = trace.TraceState.from_header([call.tracestate or ""])
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    own = trace.SpanContext(trace_id, span, False, flags, state)
    token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(own)))
    return lambda: context.detach(token)


def _reset(token: Token[Any]) -> None:
    # A generator may be closed in another context than the one it ran in.
    with contextlib.suppress(ValueError):
        innermost.reset(token)
