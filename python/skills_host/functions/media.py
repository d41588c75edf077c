"""Results that are media, documents and messages for agents, alone or in a list with texts."""

from __future__ import annotations

import json
from typing import Any

from skills_daemon.agents import Audio, Content, Embedded, Image, Link, Message, block
from skills_host.functions.response import JSON, Response
from skills_host.functions.value import to_json

#: The header of an answer whose JSON is a list of content blocks of the Model Context Protocol.
_BLOCKS = ((b"x-skills-content", b"blocks"),)
_CONTENT = (Image, Audio, Embedded, Link)


def encoded(result: Any) -> Response | None:
    """Returns the answer of a result that is such, or None for another."""
    if isinstance(result, (Image, Audio)):
        return Response(200, result.data, kind=result.media_type.encode("latin-1"))
    if isinstance(result, _CONTENT):
        return _blocks([result])
    if isinstance(result, Message):
        return _messages([result])
    if isinstance(result, (list, tuple)):
        if any(isinstance(item, _CONTENT) for item in result):
            return _blocks(result)
        if any(isinstance(item, Message) for item in result):
            return _messages(result)
    return None


def _blocks(items: list[Any] | tuple[Any, ...]) -> Response:
    return Response(200, json.dumps([_block(item) for item in items]).encode(), _BLOCKS)


def _block(item: str | Content | object) -> dict[str, Any]:
    if isinstance(item, (str, *_CONTENT)):
        return block(item)
    return block(to_json(item).decode())


def _messages(items: list[Any] | tuple[Any, ...]) -> Response:
    messages = [item if isinstance(item, Message) else Message(item) for item in items]
    return Response(200, json.dumps([each.block() for each in messages]).encode(), kind=JSON)
