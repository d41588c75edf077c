"""Answers requests for a plugin of plain functions, where no direct call does.

An ASGI application, in the place of FastAPI; its answers to a wrong path, method or parameter are
those of FastAPI.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, quote

from skills_daemon.commands import CommandError
from skills_host.contract import Message, Receive, Send
from skills_host.functions import value
from skills_host.functions.command import Command, Refused
from skills_host.functions.response import Response, exit_header, exit_status


class Application:
    """Serves the commands below `/{name}`.

    Attributes:
        exception_handlers: Coroutine functions that answer exceptions, by type.
        dependency_overrides: Empty: commands have no dependencies.
    """

    def __init__(self, name: str, commands: list[Command]) -> None:
        self._commands = {f"/{name}{command.path}": command for command in commands}
        self.exception_handlers = {
            Exception: _failed,
            CommandError: _refused,
            SystemExit: _exited,
        }
        self.dependency_overrides: dict[Any, Any] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answers one request; ignores the lifespan."""
        if scope["type"] == "lifespan":
            return
        try:
            response = await self._answer(scope, receive)
            await response.begin()
        except CommandError as error:
            response = await _refused(None, error)
        except SystemExit as error:
            response = await _exited(None, error)
        except Exception as error:
            await (await _failed(None, error))(scope, receive, send)
            # For the log.
            raise
        await response(scope, receive, send)

    async def _answer(self, scope: Message, receive: Receive) -> Response:
        path = scope["path"]
        command = self._commands.get(path)
        if command is None:
            other = path.rstrip("/") if path.endswith("/") else f"{path}/"
            if other in self._commands:
                return Response(307, b"", ((b"location", _url(scope, other)),))
            return Response(404, b'{"detail":"Not Found"}')
        if scope["method"] != command.method:
            allow = (b"allow", command.method.encode())
            return Response(405, b'{"detail":"Method Not Allowed"}', (allow,))
        try:
            if command.in_query:
                query = scope["query_string"].decode("latin-1")
                arguments = command.from_query(parse_qs(query, keep_blank_values=True))
            else:
                arguments = command.from_body(await _body(receive))
        except Refused as refused:
            return Response(422, value.to_json({"detail": refused.problems}))
        result = await command.run(arguments)
        if not isinstance(result, Response):
            result = command.encode(result)
        return Response(200, result) if isinstance(result, bytes) else result


async def _body(receive: Receive) -> Any:
    """Returns the request's JSON; an empty body is an empty object."""
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    try:
        return json.loads(b"".join(pieces) or b"{}")
    except (ValueError, RecursionError) as error:
        problem = {
            "type": "json_invalid",
            "loc": ["body", getattr(error, "pos", 0)],
            "msg": "JSON decode error",
            "input": {},
            "ctx": {"error": getattr(error, "msg", str(error))},
        }
        raise Refused([problem]) from None


def _url(scope: Message, path: str) -> bytes:
    host = next((text for name, text in scope["headers"] if name == b"host"), b"localhost")
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return b"http://" + host + quote(path).encode() + query


async def _refused(_: object, error: CommandError) -> Response:
    content = {"success": False, "error": str(error)}
    if error.hint:
        content["hint"] = error.hint
    headers = () if error.exit_status is None else (exit_header(error.exit_status),)
    return Response(error.status, value.to_json(content), headers)


async def _exited(_: object, error: BaseException) -> Response:
    """Answers `sys.exit(…)`: a status, or a text for stderr, or nothing for success."""
    status, text = exit_status(error)
    header = exit_header(status, "plain" if text else "quiet")
    if status == 0:
        return Response(200, b"null", (header,))
    content = {"success": False, "error": text or f"exited with status {status}"}
    return Response(500, value.to_json(content), (header,))


async def _failed(_: object, error: BaseException) -> Response:
    content = {
        "success": False,
        "error": str(error),
        "hint": "Check daemon logs for details",
    }
    return Response(500, value.to_json(content))
