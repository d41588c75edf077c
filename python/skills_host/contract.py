"""What the parts of this package are to each other: the types that `worker` and `direct` rely on.

Two kinds of plugin satisfy them: FastAPI routers (`loader.LoadedPlugin`, `plan.route.Plan`,
`plan.tree.Tree`) and plain functions (`functions.plugin.FunctionsPlugin`, `functions.plan.Plan`,
`functions.plan.Handler`). What the other half of the process gives is in `_skills_host.pyi`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

if TYPE_CHECKING:
    from _skills_host import Binder

#: An ASGI message, and the scope of a connection.
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Application(Protocol):
    """An ASGI application that answers what no direct call does."""

    @property
    def exception_handlers(self) -> Mapping[Any, Callable[[Any, Any], Any]]:
        """Coroutine functions by the type of exception that they answer, `Exception` included."""

    @property
    def dependency_overrides(self) -> Mapping[Any, Any]:
        """Dependencies that take the place of others; while there are any, no plan holds."""

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

    @property
    def steps(self) -> Sequence[object]:
        """The dependencies in the order of their calls."""

    def solve(self, slots: dict[str, Any], /) -> dict[str, Any]:
        """Calls the dependencies, none of them a coroutine function; the handler's arguments."""

    def call(self, slots: dict[str, Any], /) -> Coroutine[Any, Any, Any]:
        """Calls dependencies and handler, all of them coroutine functions."""


class Plan(Protocol):
    """How to call one handler directly."""

    @property
    def tree(self) -> Tree:
        """What is called."""

    @property
    def binder(self) -> Binder:
        """Makes the arguments of a call, and the answer of a result that is plain JSON."""

    @property
    def status(self) -> int:
        """HTTP status of an answer that is no response object."""

    def encode(self, result: Any, /) -> bytes:
        """Any other result as JSON."""


class Plugin(Protocol):
    """A plugin that was loaded."""

    @property
    def name(self) -> str:
        """Its URL prefix."""

    @property
    def instance(self) -> object:
        """What has its hooks, as far as it has any: `startup`, `connect`, `shutdown` and so on."""

    @property
    def app(self) -> Application:
        """Its application, every path below `/{name}`."""

    @property
    def plans(self) -> Sequence[Plan]:
        """How to call its handlers directly; known once it was described."""

    @property
    def response_type(self) -> type[Any]:
        """What of a handler's results is an answer already: an ASGI application."""

    def describe(self) -> str:
        """The description as JSON, in the shape of the library's `Described`."""

    def close(self) -> None:
        """Forgets the plugin's modules."""


class NamedCommand(TypedDict):
    """A command that a manifest names."""

    call: str
    summary: str | None
    method: str | None


class About(TypedDict):
    """A manifest's own metadata."""

    version: str | None
    description: str | None


class Outline(TypedDict):
    """What a manifest describes: commands by name, and the plugin."""

    commands: dict[str, NamedCommand]
    about: About
