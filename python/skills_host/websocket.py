"""One WebSocket as an ASGI call."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from skills_host.asgi import Waiters, last_resort
from skills_host.contract import Application, Message

if TYPE_CHECKING:
    from _skills_host import Call, Socket

logger = logging.getLogger("skills_host.websocket")

#: The header of a refusal that has no type of its own.
_PLAIN = (b"content-type", b"text/plain; charset=utf-8")
#: The longest reason of a close, in bytes.
_REASON_MAX = 123


class ClientDisconnected(OSError):
    """A message has no reader any more; Starlette turns it into `WebSocketDisconnect`."""


async def serve(
    app: Application, call: Call, socket: Socket, waiters: Waiters, state: Mapping[str, Any]
) -> None:
    """Runs `app` for one WebSocket; one that is neither accepted nor refused gets a 500.

    Args:
        app: An ASGI application.
        call: The request and its answer.
        socket: Its WebSocket.
        waiters: The coroutines of the loop that wait for a request.
        state: Initial state of the request, which is copied.
    """
    channel = _Channel(call, socket, waiters)
    try:
        scope = socket.scope()
        scope["state"] = {**state}
        await app(scope, channel.receive, channel.send)
    except ClientDisconnected:
        pass
    except Exception:
        logger.exception("unhandled exception in %s", call.path)
    else:
        if not channel.answered:
            logger.error("%s returned without an answer to the handshake", call.path)
    finally:
        waiters.forget(call.id)
        if not channel.answered:
            last_resort(call)
        call.close()


class _Channel:
    """The `receive` and `send` of a WebSocket, with the order of messages that ASGI prescribes.

    Args:
        call: The request and its answer.
        socket: Its WebSocket.
        waiters: The coroutines of the loop that wait for a request.

    Attributes:
        answered: The handshake has an answer.
    """

    def __init__(self, call: Call, socket: Socket, waiters: Waiters) -> None:
        self.answered = False
        self._call = call
        self._socket = socket
        self._waiters = waiters
        self._connected = False
        self._refused = False
        # Not bound: a cycle would outlive the connection.
        self._step: _Step = _Channel._answer

    async def receive(self) -> Message:
        """Returns the next message."""
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        while (message := self._socket.receive()) is None:
            await self._waiters.wait(self._call.id)
        return message

    async def send(self, message: Message) -> None:
        """Sends a message and waits while the client is behind."""
        if not self._step(self, message):
            while self._call.is_full():
                await self._waiters.wait(self._call.id)

    def _answer(self, message: Message) -> bool:
        """Answers the handshake."""
        kind = message["type"]
        if kind == "websocket.accept":
            if not self._socket.accept(message.get("subprotocol"), message.get("headers", ())):
                raise ClientDisconnected
            self._step = _Channel._message
        elif kind == "websocket.close":
            self._call.start(403, [_PLAIN])
            self._call.write(b"", False)
            self._step = _Channel._after
        elif kind == "websocket.http.response.start":
            status = message["status"]
            if not 200 <= status < 600:
                raise RuntimeError(f"Invalid HTTP status code '{status}' in response.")
            headers = list(message.get("headers", ()))
            if all(name.lower() != b"content-type" for name, _ in headers):
                headers.append(_PLAIN)
            self._call.start(status, headers)
            self._step = _Channel._body
        else:
            raise RuntimeError(
                "Expected ASGI message 'websocket.accept', 'websocket.close' "
                f"or 'websocket.http.response.start' but got '{kind}'."
            )
        self.answered = True
        return True

    def _message(self, message: Message) -> bool:
        """Sends a message of an open connection; false if the client is behind."""
        kind = message["type"]
        if kind == "websocket.send":
            data = message.get("bytes")
            if data is not None:
                room = self._socket.send_bytes(data if isinstance(data, bytes) else bytes(data))
            elif (text := message.get("text")) is not None:
                room = self._socket.send_text(text)
            else:
                return True
            if room is None:
                raise ClientDisconnected
            return room
        if kind == "websocket.close":
            code, reason = message.get("code", 1000), message.get("reason") or ""
            _check(code, reason)
            if not self._socket.close(code, reason):
                raise ClientDisconnected
            self._step = _Channel._after
            return True
        raise RuntimeError(
            f"Expected ASGI message 'websocket.send' or 'websocket.close', but got '{kind}'."
        )

    def _body(self, message: Message) -> bool:
        """Sends a piece of the answer that refuses the handshake; false if the client is behind."""
        kind = message["type"]
        if kind != "websocket.http.response.body":
            raise RuntimeError(
                f"Expected ASGI message 'websocket.http.response.body' but got '{kind}'."
            )
        if self._refused:
            return self._after(message)
        more = message.get("more_body", False)
        self._refused = not more
        return self._call.write(bytes(message.get("body", b"")), more)

    def _after(self, message: Message) -> bool:
        raise RuntimeError(
            f"Unexpected ASGI message '{message['type']}', after sending 'websocket.close'."
        )


#: Sends a message; false if the client is behind.
_Step = Callable[[_Channel, Message], bool]


def _check(code: int, reason: str) -> None:
    """Raises for a close that cannot be sent."""
    if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
        raise ValueError(f"invalid close code {code}")
    if len(reason.encode()) > _REASON_MAX:
        raise ValueError(f"close reason too long (limit {_REASON_MAX} bytes)")
