"""The Rust half of the daemon process, as the Python half sees it: `src/bin/skills-host`.

No file of this name is ever imported: the host puts the module into `sys.modules` before it imports
any other. `tests/it/contract.rs` compares what is declared here with what is there.
"""

from collections.abc import Callable, Iterable, Sequence
from contextvars import Context, ContextVar
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, final

class Settings(TypedDict):
    """Settings of this daemon: defaults, `config.toml` and environment, resolved."""

    host: str
    port: int
    timeout: int
    shutdown_timeout: int
    log_level: str

settings: Settings

def log(
    level: int,
    logger: str,
    message: str,
    plugin: str,
    request_id: str | None,
    context: str | None,
    exception: str | None,
) -> None:
    """Writes one record to the daemon's log; `context` is JSON, `exception` a traceback."""

#: `(slot, constant, default, choices, validate)` of one parameter: the default that all requests
#: share, or else what makes one for each; the values that the library chooses by number; and what
#: converts a text, or several, to `(value, errors)`.
Parameter: TypeAlias = tuple[
    str,
    object,
    Callable[[], object] | None,
    Sequence[object],
    Callable[[Any], tuple[object, object]] | None,
]

@final
class Binder:
    """Makes keyword arguments of bound values, and answers of results that are plain JSON."""

    def __new__(
        cls,
        parameters: Sequence[Parameter],
        status: int,
        plain: Literal["any", "dict", "encoder"] | None,
    ) -> Binder: ...

@final
class Call:
    """A request and the way to its answer; no method waits."""

    @property
    def id(self) -> int:
        """Tells calls of one plugin apart."""

    @property
    def request_id(self) -> str:
        """The id of the request, in all logs."""

    @property
    def path(self) -> str:
        """The decoded path."""

    @property
    def directory(self) -> Path | None:
        """The working directory of the shell that called; `None` for calls from elsewhere."""

    @property
    def plan(self) -> int | None:
        """The number of the plan; `None` where the application does everything."""

    @property
    def started(self) -> bool:
        """True once an answer was begun."""

    def context(self, base: Context, variable: ContextVar[str | None]) -> Context:
        """A copy of `base` in which `variable` is the request's id."""

    def arguments(self, binder: Binder) -> dict[str, Any] | None:
        """The handler's keyword arguments; `None` if the request does not satisfy its plan."""

    def finish(self, result: object) -> bool:
        """Answers with a handler's result and ends the call; false if that is not plain JSON."""

    def answer(self, status: int, body: bytes) -> None:
        """Answers with JSON and ends the call."""

    def scope(self) -> dict[str, Any]:
        """The ASGI connection scope, a new one each time."""

    def receive(self) -> dict[str, Any] | None:
        """The next ASGI message for the application; `None` if it has to wait until it is woken."""

    def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Starts the answer."""

    def write(self, body: bytes | bytearray, more: bool) -> bool:
        """Sends a piece of the body; false if the application should wait before the next."""

    def is_full(self) -> bool:
        """True while the application should wait."""

    def close(self) -> None:
        """Ends the call; an answer that is not whole is aborted."""

#: What arrives: a request, the id of a call that moved, or `(verb, seconds, reply)`.
Event: TypeAlias = Call | int | tuple[str, float, Reply]

@final
class Inbox:
    """The end of a plugin's queue that its event loop watches."""

    def fileno(self) -> int:
        """The descriptor that becomes readable when there is something to take."""

    def take(self) -> list[Event]:
        """The next events, some at a time; answers to them may wait until `done`."""

    def done(self) -> None:
        """Ends a batch: all answers are sent."""

@final
class Reply:
    """Where the worker answers a verb, once."""

    def done(self, json: str) -> None:
        """Answers with JSON."""

    def fail(self, message: str) -> None:
        """Answers that it failed."""

class Closable(Protocol):
    """What `close()` ends."""

    def close(self) -> object: ...

@final
class Pool:
    """The threads for `def` handlers of one plugin."""

    def run_with(self, run: Callable[[Call], object], prepare: Callable[[], Closable]) -> None:
        """Sets what runs a call, and what prepares a thread until its end."""

    def when_empty(self, callback: Callable[[], object]) -> None:
        """Calls `callback` once no call waits or runs, which may be at once, on any thread."""
