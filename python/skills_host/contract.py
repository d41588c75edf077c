"""The protocols of a loaded plugin, which `worker` and `direct` rely on, and shared types.

Two kinds of plugin satisfy them: FastAPI routers (`loader.LoadedPlugin`, `plan.route.Plan`,
`plan.tree.Tree`, with more that `direct` uses) and plain functions
(`functions.plugin.FunctionsPlugin`, `functions.plan.Plan`, `functions.plan.Handler`). The API of
the other half of the process is in `_skills_host.pyi`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, TypeVar

if TYPE_CHECKING:
    from _skills_host import Binder, Call

#: An ASGI message, and the scope of a connection.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

T = TypeVar("T")


class Application(Protocol):
    """An ASGI application: answers requests that are not called directly."""

    @property
    def exception_handlers(self) -> Mapping[Any, Callable[[Any, Any], Any]]:
        """Coroutine functions that answer exceptions, by type, `Exception` included."""

    @property
    def dependency_overrides(self) -> Mapping[Any, Any]:
        """Replacements of dependencies; unless empty, no plan with dependencies is used."""

    async def __call__(self, scope: Message, receive: Receive, send: Send, /) -> None:
        """Serves one request, or the application's lifespan."""


class Tree(Protocol):
    """A handler and its dependencies."""

    @property
    def handler(self) -> Callable[..., Any]:
        """The handler, called with keyword arguments."""

    @property
    def is_async(self) -> bool:
        """True for a handler that is a coroutine function."""


class State(Protocol):
    """What the steps of a tree take of a call, and add to it."""

    results: list[Any]
    slots: dict[str, Any]
    errors: list[Any]
    body: Any
    form: Any

    @property
    def request(self) -> Any:
        """The call's Starlette `Request`, of which there is one."""

    def background_tasks(self) -> Any:
        """Returns the background tasks of the call, of which there is one object."""

    def own_response(self) -> Any:
        """Returns the response that handlers and dependencies change, of which there is one."""

    def drive(self, work: Coroutine[Any, Any, T]) -> T:
        """Returns the result of a coroutine that never waits."""


class Plan(Protocol):
    """Call plan of one handler."""

    @property
    def is_plain(self) -> bool:
        """True if the handler takes nothing but bound values and answers with JSON."""

    @property
    def is_solved(self) -> bool:
        """True if `direct.solver` carries out what is more than that; else the application."""

    @property
    def tree(self) -> Tree:
        """The handler and its dependencies."""

    @property
    def binder(self) -> Binder:
        """Makes the arguments of a call, and the answer from a plain JSON result."""

    @property
    def status(self) -> int:
        """HTTP status of results other than response objects."""

    @property
    def encodes_anywhere(self) -> bool:
        """True if results may be encoded on any thread."""

    def encode(self, result: Any, call: Call, /) -> Any:
        """Returns any other result as JSON bytes, or as a response object."""


class Telemetry(Protocol):
    """Decides whether an application traces a request."""

    @property
    def providers(self) -> Sequence[tuple[dict[str, Any], str]]:
        """Variables of modules; while there are some and all are `None`, nothing is traced."""

    def __call__(self) -> bool:
        """Returns whether the request at hand is traced."""


class Plugin(Protocol):
    """A plugin that was loaded."""

    @property
    def name(self) -> str:
        """Its URL prefix."""

    @property
    def instance(self) -> object:
        """The object with its optional hooks: `startup`, `connect`, `shutdown` and so on."""

    @property
    def app(self) -> Application:
        """Its application, every path below `/{name}`."""

    @property
    def plans(self) -> Sequence[Plan]:
        """Call plans of its handlers, by number; empty before `describe`."""

    @property
    def response_type(self) -> type[Any]:
        """The class of response objects, which are ASGI applications."""

    @property
    def sends_files(self) -> bool:
        """True if no code between a response and the server looks at what is sent."""

    @property
    def is_fastapis(self) -> bool:
        """True if its application and its responses are FastAPI's."""

    @property
    def is_traced(self) -> Telemetry | None:
        """Returns whether the application has to serve a request itself, to trace it."""

    def describe(self) -> str:
        """Returns the description as JSON, in the shape of the library's `Report`."""

    def close(self) -> None:
        """Removes the plugin's modules from `sys.modules`."""


class NamedCommand(TypedDict):
    """A command that a manifest names."""

    call: str
    summary: str | None
    method: str | None
    agents: bool


class About(TypedDict):
    """Version and description in a manifest."""

    version: str | None
    description: str | None


class _Taken(TypedDict, total=False):
    secrets: dict[str, str]


class Surroundings(_Taken):
    """What the daemon provides to a plugin.

    Attributes:
        name: Its name, as far as it is known before its import.
        data: Directory of the plugins' own folders.
        settings: Its table in `config.toml`.
        secrets: Its table in `secrets.toml`; taken out by the plugin's `Own`.
        env: Environment variables to set.
    """

    name: str
    data: str
    settings: dict[str, Any]
    env: dict[str, str]


class Outline(TypedDict):
    """Metadata of a manifest: commands and programs by name, the plugin's own; its surroundings."""

    commands: dict[str, NamedCommand]
    programs: dict[str, NamedCommand]
    about: About
    surroundings: Surroundings
