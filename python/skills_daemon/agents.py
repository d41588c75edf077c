"""What a plugin offers agents besides commands: resources, prompts, media.

A command is a tool by itself. A function that `@resource` marks is what agents read by a URI, one
that `@prompt` marks writes messages for a model; neither is a command. A result of `Image`,
`Audio`, `Embedded` or `Link`, or a list of such and of texts, reaches an agent as what it is.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, overload

_Function = TypeVar("_Function", bound=Callable[..., object])

_MARK = "__skills_offer__"


@dataclass(frozen=True)
class Image:
    """An image as a result.

    Attributes:
        data: Its bytes.
        media_type: What they are: `image/png`.
    """

    data: bytes
    media_type: str = "image/png"

    def block(self) -> dict[str, Any]:
        """Returns the content block of the Model Context Protocol."""
        return {"type": "image", "data": _base64(self.data), "mimeType": self.media_type}


@dataclass(frozen=True)
class Audio:
    """A sound as a result.

    Attributes:
        data: Its bytes.
        media_type: What they are: `audio/wav`.
    """

    data: bytes
    media_type: str = "audio/wav"

    def block(self) -> dict[str, Any]:
        """Returns the content block of the Model Context Protocol."""
        return {"type": "audio", "data": _base64(self.data), "mimeType": self.media_type}


@dataclass(frozen=True)
class Embedded:
    """A document as a result, or as part of a prompt.

    Attributes:
        uri: Names it: `notes://today`.
        content: Its text, or its bytes.
        media_type: What it is; by default `text/plain` or `application/octet-stream`.
    """

    uri: str
    content: str | bytes
    media_type: str | None = None

    def block(self) -> dict[str, Any]:
        """Returns the content block of the Model Context Protocol."""
        if isinstance(self.content, str):
            kind, content = "text/plain", {"text": self.content}
        else:
            kind, content = "application/octet-stream", {"blob": _base64(self.content)}
        resource = {"uri": self.uri, "mimeType": self.media_type or kind, **content}
        return {"type": "resource", "resource": resource}


@dataclass(frozen=True)
class Link:
    """A reference to a document that the agent may read, as a result.

    Attributes:
        uri: Its URI.
        name: Its name.
        description: What it is.
        media_type: What kind it is, if that is known.
    """

    uri: str
    name: str
    description: str | None = None
    media_type: str | None = None

    def block(self) -> dict[str, Any]:
        """Returns the content block of the Model Context Protocol."""
        more = {"description": self.description, "mimeType": self.media_type}
        given = {key: value for key, value in more.items() if value is not None}
        return {"type": "resource_link", "uri": self.uri, "name": self.name, **given}


Content = Image | Audio | Embedded | Link
"""What a result may be besides data and texts."""


@dataclass(frozen=True)
class Message:
    """A message of a prompt.

    Attributes:
        content: Its text, or another content.
        role: Whose message it is.
    """

    content: str | Content
    role: Literal["user", "assistant"] = "user"

    def block(self) -> dict[str, Any]:
        """Returns the message of the Model Context Protocol."""
        return {"role": self.role, "content": block(self.content)}


MEDIA = (Image, Audio, Embedded, Link, Message)
"""The classes of results that are no data."""


def block(content: str | Content) -> dict[str, Any]:
    """Returns the content block of a text or of another content."""
    return {"type": "text", "text": content} if isinstance(content, str) else content.block()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@dataclass(frozen=True)
class Offer:
    """Metadata that `@resource` and `@prompt` attach to a function.

    Attributes:
        name: Its name; `None` for the function's own.
        uri: The URI of a resource, or a template for several; `None` for a prompt.
        media_type: What the resource is, if that is known.
    """

    name: str | None = None
    uri: str | None = None
    media_type: str | None = None


def resource(
    uri: str, *, name: str | None = None, media_type: str | None = None
) -> Callable[[_Function], _Function]:
    """Marks a function as what agents read at a URI; it returns a text, bytes, or data.

    Args:
        uri: The URI (`notes://today`), or a template for several (`notes://{name}`), whose names
            are the function's parameters; `{path*}` stands for several segments.
        name: Its name, if not the function's.
        media_type: What it is: `text/markdown`.

    Raises:
        ValueError: `uri` is no URI.
    """
    if "://" not in uri:
        raise ValueError(f"{uri!r} is no URI: begin it with a scheme, as in notes://{{name}}")

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, Offer(name, uri, media_type))
        return function

    return mark


@overload
def prompt(function: _Function) -> _Function: ...


@overload
def prompt(*, name: str | None = None) -> Callable[[_Function], _Function]: ...


def prompt(
    function: _Function | None = None, *, name: str | None = None
) -> _Function | Callable[[_Function], _Function]:
    """Marks a function as a prompt: it returns a text, or a list of texts and `Message`s.

    Args:
        function: The function; it stays as it is.
        name: Name of the prompt, if not the function's.
    """

    def mark(function: _Function) -> _Function:
        setattr(function, _MARK, Offer(name))
        return function

    return mark if function is None else mark(function)


def offer_of(function: object) -> Offer | None:
    """Returns the metadata that `@resource` or `@prompt` attached to `function`, or None."""
    offer = getattr(function, _MARK, None)
    return offer if isinstance(offer, Offer) else None
