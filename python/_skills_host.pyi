"""The Python API of the host, `src/bin/skills-host`.

No file of this name is imported: the host puts the module into `sys.modules` before it imports any
other. `tests/it/contract.rs` compares these declarations with the module.
"""

from asyncio import AbstractEventLoop, Task
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextvars import Context, ContextVar
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar, final

_T = TypeVar("_T")

class Settings(TypedDict):
    """Settings of this daemon: defaults, `config.toml` and environment, resolved."""

    host: str
    port: int
    timeout: int
    shutdown_timeout: int
    log_level: str

settings: Settings

def trim() -> None:
    """Gives memory that was freed back to the system."""

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

@final
class Board:
    """Shows the background tasks of one plugin."""

    def show(self, tasks: str) -> None:
        """Replaces what is shown: JSON, an array of the library's `wire::BackgroundTask`."""

@final
class Executed:
    """Receives the files that one version of a plugin executes."""

    def add(self, path: str, size: int, modified: int) -> None:
        """Takes a file that is about to be executed: absolute path, bytes, nanoseconds."""

def to_json(value: object) -> bytes | None:
    """Returns a plain value as FastAPI's encoder and default response write it, else `None`."""

def slot() -> int:
    """Returns the number of the journal's slot that this thread carries; 0 for none."""

def carry(slot: int) -> None:
    """Has this thread, which a plugin started, carry a slot."""

def exiting(status: int, place: str) -> None:
    """Notes that the code at `place` on this thread ends the process."""

#: A field of a form, `(name, value)`, or a file, `(name, filename, headers, start, end)`, whose
#: content is that range of the body.
FormEntry: TypeAlias = tuple[str, str] | tuple[str, str, list[tuple[bytes, bytes]], int, int]

def parse_form(
    content_type: str, body: bytes, max_files: float, max_fields: float, max_part_size: float
) -> list[FormEntry] | None:
    """Parses a form as Starlette does; `None` where it is not certain how Starlette would."""

#: `(slot, constant, default, choices, validate)` of one parameter: the default that all requests
#: share, or a function that makes one for each; values that the library chooses by number; and a
#: function that converts a text, or several, to `(value, errors)`.
Parameter: TypeAlias = tuple[
    str,
    object,
    Callable[[], object] | None,
    Sequence[object],
    Callable[[Any], tuple[object, object]] | None,
]

@final
class Binder:
    """Makes keyword arguments from bound values, and answers from plain JSON results."""

    def __new__(
        cls,
        parameters: Sequence[Parameter],
        status: int,
        plain: Literal["any", "dict", "encoder"] | None,
    ) -> Binder: ...

@final
class Ending:
    """A wait for the end of a call."""

    def wait(self) -> bool:
        """Waits until the call is cancelled or answered; blocks, without the GIL.

        Returns:
            False if the wait was stopped before.
        """

    def stop(self) -> None:
        """Ends the wait."""

@final
class Call:
    """A request and its answer; no method blocks, except for `read`."""

    @property
    def id(self) -> int:
        """Number of the call, unique in a plugin."""

    @property
    def request_id(self) -> str:
        """Id of the request, as in the log."""

    @property
    def path(self) -> str:
        """The decoded path."""

    @property
    def method(self) -> str:
        """The method."""

    @property
    def caller(self) -> str | None:
        """The surroundings of the shell that called, as JSON; `None` for calls from elsewhere."""

    @property
    def console(self) -> Console:
        """What the caller sees and answers while the call runs."""

    @property
    def ended(self) -> bool:
        """True once the call has ended."""

    @property
    def is_socket(self) -> bool:
        """True if a WebSocket is asked for."""

    def header(self, name: str) -> str | None:
        """Returns the first header of that name."""

    @property
    def traceparent(self) -> str | None:
        """The span of the handler, as W3C Trace Context writes it; `None` if it is not traced."""

    @property
    def tracestate(self) -> str | None:
        """The `tracestate` that goes with it; `None` if there is none."""

    @property
    def records(self) -> bool:
        """True if spans of the plugin are recorded."""

    def record(self, span: str) -> None:
        """Records a span that has ended: JSON, the library's `traces::Reported`."""

    def read(self) -> bytes | None:
        """Waits for the next piece of the request's body; blocks, without the GIL.

        Returns:
            The piece; empty at the end, and `None` once the caller has gone.
        """

    def ending(self) -> Ending:
        """Returns a wait for the end of the call."""

    @property
    def plan(self) -> int | None:
        """The number of the plan; `None` for a call that the application serves."""

    @property
    def started(self) -> bool:
        """True once an answer was begun."""

    @property
    def cancelled(self) -> bool:
        """True once the call was cancelled: its answer has no reader."""

    def context(
        self, base: Context, variable: ContextVar[Any], current: ContextVar[Any]
    ) -> Context:
        """Returns a copy of `base` in which `variable` is the request's id, `current` the call."""

    def slots(self, binder: Binder) -> dict[str, Any]:
        """Returns the bound values by slot; those that FastAPI has to bind are missing."""

    def body(self) -> bytes | None:
        """Returns the whole body, once, if it has come; otherwise `receive` has its pieces."""

    def json(self, result: object) -> bytes | None:
        """Returns a handler's result as JSON; `None` if it is not plain."""

    def respond(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Sends a whole answer; the call goes on."""

    def answer(self, status: int, body: bytes) -> None:
        """Answers with JSON and ends the call."""

    def release(self) -> None:
        """Sends all held answers, before work that may take its time."""

    def scope(self, files: bool = False) -> dict[str, Any]:
        """Returns a new ASGI connection scope.

        Args:
            files: Has it say, where that is so, that `http.response.pathsend` may be sent.
        """

    def receive(self) -> dict[str, Any] | None:
        """Returns the next ASGI message; `None` if the application has to wait for one."""

    def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Starts the answer."""

    def write(self, body: bytes | bytearray, more: bool) -> bool:
        """Sends a piece of the body; false if the application should wait before the next."""

    def send_file(self, path: str) -> None:
        """Sends a file as the body of the answer; blocks, without the GIL, for a short one.

        Raises:
            OSError: It cannot be read, or is shorter than the answer's head announces.
        """

    def is_sent(self) -> bool:
        """Returns true once all of the answer was taken, or the client has gone.

        Otherwise the loop is woken then.

        Raises:
            OSError: As of `send_file`, for a file that is read later; once.
        """

    def is_full(self) -> bool:
        """True while the application should wait."""

    def close(self) -> None:
        """Ends the call; an incomplete answer is aborted."""

@final
class Console:
    """The shell or the agent that reads the events of a call, if one does.

    No method blocks, except for `wait_for_room` and `ask`.
    """

    @property
    def emits(self) -> bool:
        """True while a shell shows what the handler writes."""

    @property
    def answers(self) -> bool:
        """True while a person answers questions."""

    @property
    def shows_log(self) -> bool:
        """True if the shell shows log records, too."""

    def is_terminal(self, number: int) -> bool:
        """Returns true if the shell's stdin (0), stdout (1) or stderr (2) is a terminal."""

    def output(self, number: int, text: str) -> bool:
        """Writes text to the shell's stdout (1) or stderr (2), without colours if it takes none.

        Returns:
            False if the thread should `wait_for_room` before it writes more.
        """

    def output_bytes(self, number: int, data: bytes) -> bool:
        """Writes bytes as `output` writes text, as they are."""

    def wait_for_room(self) -> None:
        """Waits until the shell has read enough, or is gone; blocks, without the GIL."""

    def exit(self, status: int) -> None:
        """Sets the exit status of the shell's call, after the head of the answer was sent."""

    def progress(
        self, task: int, description: str, done: float, total: float | None, is_complete: bool
    ) -> None:
        """Shows how far a task is; nothing where no shell shows it."""

    def log(self, level: int, logger: str, message: str) -> None:
        """Shows a log record in the shell."""

    def ask(self, questions: list[str]) -> list[str | None]:
        """Asks questions together, each the library's `Question` as JSON; blocks, without the GIL.

        Returns:
            The answer to each; `None` for one without.
        """

@final
class Socket:
    """The WebSocket of a call that asks for one; no method blocks."""

    def __new__(cls, call: Call, /) -> Socket: ...
    def scope(self) -> dict[str, Any]:
        """Returns a new ASGI connection scope."""

    def accept(self, subprotocol: str | None, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Accepts the connection, with a subprotocol and other headers; false if it has ended."""

    def receive(self) -> dict[str, Any] | None:
        """Returns the next ASGI message; `None` if the application has to wait for one."""

    def send_text(self, text: str) -> bool | None:
        """Sends text.

        Returns:
            False if the application should wait before the next message; `None` once the
            connection has ended.
        """

    def send_bytes(self, data: bytes) -> bool | None:
        """Sends bytes as `send_text` sends text."""

    def close(self, code: int, reason: str) -> bool:
        """Closes the connection after all that was sent; false if it was lost before."""

@final
class Starter:
    """Begins the tasks of one loop, each with its first step."""

    def __new__(cls, event_loop: AbstractEventLoop) -> Starter: ...
    def begin(self, work: Coroutine[Any, Any, _T], context: Context) -> Task[_T]:
        """Runs the first step of `work` as a task in `context`; on the loop's thread.

        Before Python 3.11, which has no way to give a task its context, it runs in a copy.
        """

class Rest(Protocol):
    """Does what is left of calls: what no handler with bound values, or more than it, answers.

    A method that ends in `_sync` runs on a thread of the pool, in the context of the call, and
    returns what is left for the loop. The others run on the loop's thread.
    """

    def run(self, call: Call, /) -> None:
        """Begins to serve a call that is more."""

    def run_sync(self, call: Call, /) -> Callable[[], object] | None: ...
    def unbound(self, call: Call, context: Context, /) -> None:
        """Begins to serve a call whose values are not all bound."""

    def unbound_sync(self, call: Call, /) -> Callable[[], object] | None: ...
    def refused(self, call: Call, error: BaseException, context: Context, /) -> None:
        """Answers an exception that came before the handler waited, and that no task has."""

    def waits(
        self, dispatcher: Dispatcher, call: Call, task: Task[Any], context: Context, /
    ) -> None:
        """Has `dispatcher.done` called at the end of the task of a handler."""

    def returned(self, call: Call, result: Any, context: Context, /) -> None:
        """Answers with a result that is not plain JSON."""

    def returned_sync(self, call: Call, result: Any, /) -> Callable[[], object] | None: ...
    def raised(self, call: Call, task: Task[Any], context: Context, /) -> None:
        """Answers the exception of a handler, which is that of its task."""

    def raised_sync(self, call: Call, error: BaseException, /) -> Callable[[], object] | None: ...

@final
class Dispatcher:
    """Calls the handlers of a plugin that take nothing but bound values."""

    def __new__(
        cls,
        handlers: Sequence[tuple[Callable[..., Any], Binder] | None],
        base: Context,
        variables: tuple[ContextVar[str | None], ContextVar[Any]],
        telemetry: tuple[Sequence[tuple[dict[str, Any], str]], Callable[[], bool]] | None,
        tasks: Starter,
        inbox: Inbox,
        runner: Rest,
    ) -> Dispatcher:
        """Returns one for the loop that reads `inbox`.

        Args:
            handlers: Those that are called here, by the numbers of their plans.
            base: The context of which each call has a copy.
            variables: The variables of that copy: the id of the request, and the call.
            telemetry: Variables of modules, and a function that returns whether a call is left to
                `runner`, to be traced; asked if one of them is not `None`, or there is none.
            tasks: Begins the tasks of the loop.
            inbox: The queue of the loop.
            runner: Does what is left of calls.
        """

    def done(self, call: Call, task: Task[Any], context: Context) -> None:
        """Answers with the result of a task that has ended, or with its exception."""

#: The id of a call to wake, a part of a call to go on with, or `(verb, seconds, reply)`.
OtherEvent: TypeAlias = int | Callable[[], object] | tuple[str, float, Reply]

@final
class Inbox:
    """Receiving end of the queue of one event loop."""

    def fileno(self) -> int:
        """Returns the descriptor that is readable while events are pending."""

    def work(self, dispatcher: Dispatcher | None, other: Callable[[OtherEvent], object]) -> None:
        """Works off the next batch of events: calls by `dispatcher`, or not at all without."""

    def hold(self) -> None:
        """Begins a batch: answers to what follows may be held until `done`."""

    def call_soon(self, part: Callable[[], object]) -> bool:
        """Has the loop call `part`, from any thread; false if the loop has ended."""

    def done(self) -> None:
        """Ends a batch: sends all held answers."""

@final
class Reply:
    """Reply to a verb, sent once."""

    def done(self, json: str) -> None:
        """Replies with JSON."""

    def fail(self, message: str) -> None:
        """Replies with a failure."""

class Closable(Protocol):
    """An object with a `close()`."""

    def close(self) -> object: ...

@final
class Pool:
    """Threads for the `def` handlers of one plugin."""

    def run_with(self, dispatcher: Dispatcher, prepare: Callable[[], Closable]) -> None:
        """Sets what carries out calls, and the function that prepares a thread, until its end."""

    def when_empty(self, callback: Callable[[], object]) -> None:
        """Calls `callback`, on any thread, once no call waits or runs; at once if none does."""

    def run(self, part: Callable[[], object], is_cleanup: bool) -> None:
        """Runs a part of a call on a thread; the clean-up of a call does not wait for calls.

        Raises:
            RuntimeError: The pool is closed, or no thread can be started.
        """

    def end(self, seconds: float) -> int:
        """Takes no more calls and waits for the threads to end; returns how many still run."""
