"""The messages of a WebSocket: their order, the wait while the client is behind, and every end."""

import asyncio

import pytest

from skills_host.asgi import Waiters
from skills_host.websocket import ClientDisconnected, serve

ACCEPT = {"type": "websocket.accept"}
CLOSE = {"type": "websocket.close"}
HELLO = {"type": "websocket.send", "text": "hello"}


class Call:
    """As much of the host's `Call` as a WebSocket uses."""

    id = 1
    path = "/p/x"

    def __init__(self):
        self.started = False
        self.answer = []
        self.is_closed = False
        self.full = 0

    def start(self, status, headers):
        self.started = True
        self.answer.append((status, dict(headers)))

    def write(self, body, more):
        self.answer.append((body, more))
        return True

    def is_full(self):
        self.full -= 1
        return self.full >= 0

    def close(self):
        self.is_closed = True


class Socket:
    """As much of the host's `Socket`.

    Args:
        messages: What the client sends.
        room: What each message that is sent leaves: room, none, or `None` without a client.
    """

    def __init__(self, messages=(), room=True):
        self.messages = list(messages)
        self.room = room
        self.sent = []

    def scope(self):
        return {"type": "websocket"}

    def accept(self, subprotocol, headers):
        self.sent.append(("accept", subprotocol, list(headers)))
        return self.room is not None

    def receive(self):
        return self.messages.pop(0)

    def send_text(self, text):
        self.sent.append(text)
        return self.room

    def send_bytes(self, data):
        self.sent.append(data)
        return self.room

    def close(self, code, reason):
        self.sent.append((code, reason))
        return self.room is not None


def played(app, socket=None):
    """Serves a WebSocket by `app`; returns its call and socket."""
    call, socket = Call(), socket or Socket()
    asyncio.run(asyncio.wait_for(serve(app, call, socket, Waiters(), {"own": 1}), 30))
    assert call.is_closed
    return call, socket


def test_messages_pass():
    async def app(scope, receive, send):
        assert scope["state"] == {"own": 1}
        assert await receive() == {"type": "websocket.connect"}
        await send({**ACCEPT, "subprotocol": "a", "headers": [(b"x", b"1")]})
        await send(await receive())
        await send({"type": "websocket.send", "bytes": b"b", "text": None})
        await send({"type": "websocket.send", "bytes": memoryview(b"c")})
        await send({"type": "websocket.send"})
        await send({**CLOSE, "code": 3000, "reason": None})

    call, socket = played(app, Socket([HELLO]))
    accepted = ("accept", "a", [(b"x", b"1")])
    assert socket.sent == [accepted, "hello", b"b", b"c", (3000, "")]
    assert not call.started


def test_a_socket_that_is_neither_accepted_nor_refused_gets_a_500():
    async def silent(scope, receive, send):
        await receive()

    async def broken(scope, receive, send):
        raise ValueError("broken")

    for app in (silent, broken):
        call, _ = played(app)
        assert call.answer[0][0] == 500


@pytest.mark.parametrize(
    ("before", "message"),
    [
        ([], HELLO),
        ([ACCEPT], ACCEPT),
        ([ACCEPT, CLOSE], HELLO),
        ([CLOSE], ACCEPT),
        ([{"type": "websocket.http.response.start", "status": 404}], ACCEPT),
        ([], {"type": "websocket.http.response.start", "status": 101}),
    ],
)
def test_a_message_out_of_order_is_an_error(before, message):
    async def app(scope, receive, send):
        for each in before:
            await send(each)
        with pytest.raises(RuntimeError):
            await send(message)

    played(app)


def test_refusals():
    async def closes(scope, receive, send):
        await send(CLOSE)

    async def answers(scope, receive, send):
        headers = [(b"Content-Type", b"text/x")]
        await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"a", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"b"})
        with pytest.raises(RuntimeError):
            await send({"type": "websocket.http.response.body"})

    plain = {b"content-type": b"text/plain; charset=utf-8"}
    assert played(closes)[0].answer == [(403, plain), (b"", False)]
    answer = [(401, {b"Content-Type": b"text/x"}), (b"a", True), (b"b", False)]
    assert played(answers)[0].answer == answer


def test_a_client_that_has_gone_is_an_os_error():
    async def app(scope, receive, send):
        with pytest.raises(OSError):
            await send(ACCEPT)
        raise ClientDisconnected

    played(app, Socket(room=None))


def test_closes_that_no_frame_can_carry():
    async def app(scope, receive, send):
        await send(ACCEPT)
        for code, reason in ((999, ""), (1005, ""), (1006, ""), (2999, ""), (1000, "é" * 62)):
            with pytest.raises(ValueError, match="close"):
                await send({**CLOSE, "code": code, "reason": reason})
        await send(CLOSE)

    _, socket = played(app)
    assert socket.sent[1:] == [(1000, "")]


def test_a_send_waits_while_the_client_is_behind():
    async def run():
        call, socket, waiters = Call(), Socket(room=False), Waiters()
        call.full = 2
        sent = []

        async def app(scope, receive, send):
            await send(ACCEPT)
            await send(HELLO)
            sent.append(1)

        serving = asyncio.create_task(serve(app, call, socket, waiters, {}))
        for _ in range(2):
            await asyncio.sleep(0)
            assert not sent
            waiters.wake(1)
        await serving
        assert sent

    asyncio.run(asyncio.wait_for(run(), 30))
