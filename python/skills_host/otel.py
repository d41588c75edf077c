"""The OpenTelemetry API over the daemon's own traces.

Imported with the first traced call after `opentelemetry.trace` was. Unless a plugin has set a
provider by then, `Provider` becomes the provider of all plugins: what they and their libraries
record with the API goes to the collector of the daemon, in the trace of the call. Code that runs
for no traced call records nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.util._decorator import _agnosticcontextmanager

from skills_daemon._call import current
from skills_daemon.tracing import described, moment_of, new_id, plain

if TYPE_CHECKING:
    from skills_daemon._call import Call


def adopt(call: Call) -> None:
    """Makes the span of a handler the current one, in the context that this is called in."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(Provider())
    _, trace_id, span_id, flags = (call.traceparent or "").split("-")
    state = trace.TraceState.from_header([call.tracestate or ""])
    own = trace.SpanContext(
        int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)), state
    )
    contexts.attach(trace.set_span_in_context(trace.NonRecordingSpan(own)))


class Provider(trace.TracerProvider):
    """Provides tracers that record in the trace of the call."""

    #: Recognized by the host's dispatcher and `plan.internals.telemetry`, without an import.
    is_of_daemon = True

    def get_tracer(self, *arguments: Any, **options: Any) -> trace.Tracer:
        """Returns the one tracer; what it is for is not recorded."""
        return _TRACER


class Tracer(trace.Tracer):
    """Begins spans in the trace of the call."""

    def start_span(
        self,
        name: str,
        context: Any = None,
        kind: Any = trace.SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        """Begins a span; one that records nothing, if the call is not traced."""
        parent = trace.get_current_span(context).get_span_context()
        call = current.get()
        if call is None or not call.records or parent.is_valid != parent.trace_flags.sampled:
            return trace.NonRecordingSpan(parent)
        span = Span(call, parent, name, kind, attributes, start_time)
        for link in links or ():
            span.add_link(link.context, link.attributes)
        return span

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Any = None,
        kind: Any = trace.SpanKind.INTERNAL,
        attributes: Mapping[str, Any] | None = None,
        links: Any = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[trace.Span]:
        """Begins a span that is the current one in the block."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with trace.use_span(
            span,
            end_on_exit=end_on_exit,
            record_exception=record_exception,
            set_status_on_exception=set_status_on_exception,
        ):
            yield span


class Span(trace.Span):
    """A span that is recorded when it ends."""

    def __init__(
        self,
        call: Call,
        parent: trace.SpanContext,
        name: str,
        kind: Any,
        attributes: Mapping[str, Any] | None,
        start_time: int | None,
    ) -> None:
        self._call = call
        trace_id = int((call.traceparent or "").split("-")[1], 16)
        # A parent of another trace is none that the collector could find.
        self._parent = parent.span_id if parent.trace_id == trace_id else 0
        self._context = trace.SpanContext(
            trace_id,
            new_id(),
            False,
            trace.TraceFlags(trace.TraceFlags.SAMPLED),
            trace.TraceState.from_header([call.tracestate or ""]),
        )
        self._name = name
        self._kind = kind.name.lower()
        self._attributes = dict(attributes or {})
        self._moments: list[dict[str, Any]] = []
        self._links: list[dict[str, Any]] = []
        self._error: str | None = None
        self._begun = start_time or time.time_ns()
        self._has_ended = False

    def get_span_context(self) -> trace.SpanContext:
        """Returns its ids."""
        return self._context

    def is_recording(self) -> bool:
        """Returns true until it has ended."""
        return not self._has_ended

    def set_attribute(self, key: str, value: Any) -> None:
        """Sets an attribute."""
        self._attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Sets attributes."""
        self._attributes.update(attributes)

    def add_event(
        self, name: str, attributes: Mapping[str, Any] | None = None, timestamp: int | None = None
    ) -> None:
        """Adds an event."""
        at = timestamp or time.time_ns()
        self._moments.append({"name": name, "at": at, "attributes": plain(attributes or {})})

    def add_link(
        self, context: trace.SpanContext, attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Adds a link to another span; one that is not valid is none."""
        if not context.is_valid:
            return
        ids = f"{context.trace_id:032x}-{context.span_id:016x}"
        traceparent = f"00-{ids}-{context.trace_flags:02x}"
        self._links.append({"context": traceparent, "attributes": plain(attributes or {})})

    def update_name(self, name: str) -> None:
        """Replaces the name."""
        self._name = name

    def set_status(self, status: Any, description: str | None = None) -> None:
        """Sets whether it failed, and why."""
        if isinstance(status, trace.Status):
            description, status = status.description, status.status_code
        is_error = status is trace.StatusCode.ERROR
        self._error = (description or "failed") if is_error else None

    def record_exception(
        self,
        exception: BaseException,
        attributes: Mapping[str, Any] | None = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Adds an exception as an event."""
        moment = moment_of(exception)
        moment["attributes"].update(plain(attributes or {}))
        moment["at"] = timestamp or moment["at"]
        self._moments.append(moment)

    def end(self, end_time: int | None = None) -> None:
        """Records the span; only the first time counts."""
        if self._has_ended:
            return
        self._has_ended = True
        self._call.record(
            json.dumps(
                {
                    "name": self._name,
                    "kind": self._kind,
                    "id": self._context.span_id,
                    "parent": self._parent,
                    "begun": self._begun,
                    "ended": end_time or time.time_ns(),
                    "attributes": plain(self._attributes),
                    "error": self._error,
                    "moments": self._moments,
                    "links": self._links,
                }
            )
        )

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if error is not None and self.is_recording():
            self.record_exception(error)
            self._error = described(error)
        super().__exit__(kind, error, traceback)


_TRACER = Tracer()
