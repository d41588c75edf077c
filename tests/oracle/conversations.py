"""Plays the same conversations with WebSockets of the daemon and of uvicorn, and compares.

    python conversations.py http://127.0.0.1:PORT

What is compared: the answer to the handshake, every frame of the server, and what the handler
noted. `compare.py` runs it after its requests. Frames are written by hand, for a library would
refuse to send the wrong ones.

To add a conversation: a line in `conversations`. A difference that is intended is a rule in
`_RULES`.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import itertools
import json
import socket
import struct
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reference import PREFIX, Reference

#: Seconds after which a server is given up.
_LIMIT = 30.0
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_MASK = b"\x12\x34\x56\x78"
_TEXT, _BYTES, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10


def frame(kind: int, content: bytes = b"", *, last: bool = True, flags: int = 0) -> bytes:
    """A frame of a client."""
    first = (0x80 if last else 0) | flags | kind
    if len(content) < 126:
        head = struct.pack("!BB", first, 0x80 | len(content))
    elif len(content) < 1 << 16:
        head = struct.pack("!BBH", first, 0x80 | 126, len(content))
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, len(content))
    mask = itertools.cycle(_MASK)
    if len(content) > 1 << 16:
        # Content of zeros, whatever was given: masking it in Python takes too long.
        masked = (_MASK * (len(content) // 4 + 1))[: len(content)]
    else:
        masked = bytes(byte ^ key for byte, key in zip(content, mask, strict=False))
    return head + _MASK + masked


def text(content: str) -> bytes:
    """A text message."""
    return frame(_TEXT, content.encode())


def close(code: int | None = None, reason: str = "") -> bytes:
    """A close."""
    return frame(_CLOSE, b"" if code is None else struct.pack("!H", code) + reason.encode())


@dataclass(frozen=True)
class Conversation:
    """What a client does.

    Attributes:
        path: Below the plugin's prefix, with the query.
        steps: Bytes to send; a number of frames to read; `drop` for a connection that is cut.
        headers: Besides those of the handshake; `None` removes one of these.
        kind: For rules.
    """

    path: str
    steps: tuple[bytes | int | str, ...] = ()
    headers: tuple[tuple[str, str | None], ...] = ()
    kind: str = ""


@dataclass
class Heard:
    """What came of it."""

    status: int = 0
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: str = ""
    frames: list[tuple[int, str]] = field(default_factory=list)
    noted: Any = None


class _Client:
    """One connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, _LIMIT)
        self._data = b""

    def _more(self) -> bool:
        try:
            data = self._socket.recv(1 << 16)
        except ConnectionError:
            data = b""
        self._data += data
        return bool(data)

    def _take(self, count: int) -> bytes | None:
        while len(self._data) < count:
            if not self._more():
                return None
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    def shake(self, heard: Heard, path: str, headers: dict[str, str]) -> None:
        """Sends the handshake and reads the answer."""
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))
        while b"\r\n\r\n" not in self._data:
            if not self._more():
                return
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        heard.status = int(first.split()[1])
        for line in rest:
            name, _, value = line.partition(":")
            heard.headers.setdefault(name.lower(), []).append(value.strip())
        if heard.status != 101:
            heard.body = self._body(heard.headers).decode("latin-1")

    def _body(self, headers: dict[str, list[str]]) -> bytes:
        if "content-length" in headers:
            return self._take(int(headers["content-length"][0])) or b""
        body = b""
        if "transfer-encoding" not in headers:
            while self._more():
                pass
            return self._data
        while True:
            while b"\r\n" not in self._data:
                if not self._more():
                    return body
            size, _, self._data = self._data.partition(b"\r\n")
            chunk = self._take(int(size, 16) + 2)
            if chunk is None or size == b"0":
                return body
            body += chunk[:-2]

    def send(self, data: bytes) -> None:
        """Sends bytes; a server that has gone is found when it is read from."""
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)

    def frame(self) -> tuple[int, str] | None:
        """The next frame: flags and opcode, and content; `None` at the end."""
        head = self._take(2)
        if head is None:
            return None
        size = head[1]
        if size == 126:
            size = int.from_bytes(self._take(2) or b"", "big")
        elif size == 127:
            size = int.from_bytes(self._take(8) or b"", "big")
        content = self._take(size)
        return None if content is None else (head[0], content.hex())

    def cut(self) -> None:
        """Ends the connection with a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def end(self) -> None:
        """Ends the connection."""
        self._socket.close()


def play(address: tuple[str, int], conversation: Conversation, key: str) -> Heard:
    """Plays a conversation with one server."""
    heard = Heard()
    client = _Client(address)
    separator = "&" if "?" in conversation.path else "?"
    path = f"{PREFIX}/sockets{conversation.path}{separator}key={key}"
    headers = {
        "Host": "localhost",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": _KEY,
        "Sec-WebSocket-Version": "13",
        **dict(conversation.headers),
    }
    client.shake(heard, path, {n: v for n, v in headers.items() if v is not None})
    if heard.status == 101:
        for step in (*conversation.steps, "finish"):
            if isinstance(step, bytes):
                client.send(step)
            elif isinstance(step, int):
                heard.frames += filter(None, (client.frame() for _ in range(step)))
            elif step == "drop":
                client.cut()
                return heard
            else:
                while received := client.frame():
                    heard.frames.append(received)
                    if received[0] & 15 == _CLOSE:
                        client.send(frame(_CLOSE, bytes.fromhex(received[1])))
    client.end()
    return heard


def noted(address: tuple[str, int], key: str) -> Any:
    """What the handlers of a conversation noted."""
    url = f"http://localhost:{address[1]}{PREFIX}/sockets/seen?key={key}"
    with urllib.request.urlopen(url, timeout=_LIMIT) as answer:
        return json.load(answer)


def _raw(*script: Any, steps: tuple[bytes | int | str, ...] = (), kind: str = "") -> Conversation:
    """A conversation with the handler that plays `script`."""
    return Conversation(f"/raw?script={urllib.parse.quote(json.dumps(script))}", steps, kind=kind)


def _message(kind: str, **content: Any) -> dict[str, Any]:
    return {"type": f"websocket.{kind}", **content}


def conversations() -> Iterator[Conversation]:
    """All conversations."""
    yield from _messages()
    yield from _handshakes()
    yield from _ends()
    yield from _faults()
    yield from _scripts()


def _messages() -> Iterator[Conversation]:
    for content in ("", "hello", "grüße 🦀", "x" * 125, "x" * 126, "x" * 70000, "\0\x7f"):
        steps = (text(content), 1, frame(_BYTES, content.encode()), 1, close(1000, "bye"))
        yield Conversation(
            "/echo",
            steps if len(content) < 1 << 16 else (frame(_BYTES, content.encode()), 1, close()),
        )
    pieces = (frame(_TEXT, b"gr\xc3", last=False), frame(0, b"\xbc\xc3", last=False))
    yield Conversation("/echo", (*pieces, frame(0, b"\x9fe"), 1, close(1000)))
    yield Conversation(
        "/echo", (*pieces, frame(_PING, b"between"), 1, frame(0, b"\x9fe"), 1, close())
    )
    yield Conversation("/echo", (frame(_BYTES, last=False), frame(0, b"a"), 1, close(1000)))
    many = b"".join(text(str(number)) for number in range(500))
    yield Conversation("/echo", (many, 500, close(1001, "going away")))
    yield Conversation("/echo", (frame(_PING), 1, frame(_PING, b"x" * 125), 1, close(3000)))
    yield Conversation("/echo", (frame(_PONG, b"unasked"), text("a"), 1, close(4999, "é" * 61)))
    yield Conversation("/both", (b"".join(text(str(number)) for number in range(50)),))
    for kind, content in (("text", text("a")), ("bytes", frame(_BYTES, b"a"))):
        yield Conversation(f"/iterate/{kind}", (content, 1, content, 1, close(1000)))
        yield Conversation(f"/iterate/{kind}", (content, 1, close()))
    yield Conversation("/iterate/text", (text('{"a": [1, null]}'), 1, close(1000)))
    yield Conversation("/iterate/binary", (text('{"a": [1, null, "é"]}'), 1, close(1000)))
    yield Conversation("/iterate/text", (frame(_BYTES, b"a"),))
    yield Conversation("/iterate/binary", (text("no json"),))
    for kind in ("text", "bytes", "json"):
        for content in (text("1"), frame(_BYTES, b"1"), text("{"), close(), close(4000, "why")):
            yield Conversation(f"/receives/{kind}", (content,))
    yield Conversation("/endpoint", (text("a"), 1, close(4001)))
    yield Conversation("/endpoint", (frame(_BYTES, b"a"),))
    yield Conversation("/mounted/echo/a%20b")


def _handshakes() -> Iterator[Conversation]:
    for path in ("/nope", "/seen", "/mounted/nope", "/echo/", "", "/needs/1", "/needs/x?token=ab"):
        yield Conversation(path)
    for how in ("close", "json", "text", "empty", "stream", "http", "socket", "error", "nothing"):
        yield Conversation(f"/refuses/{how}")
    for headers in (
        (("Sec-WebSocket-Protocol", "a, b"), ("X-Sent", "yes"), ("Cookie", "k=v; l=w")),
        (("Sec-WebSocket-Protocol", "a,b,  c"), ("X-Sent", "\xe9")),
        (("Sec-WebSocket-Extensions", "x-unknown"), ("Upgrade", "WebSocket")),
        (("Connection", "keep-alive, Upgrade"), ("Origin", "http://localhost")),
    ):
        yield Conversation("/scope?subprotocol=b&q=%20%C3%A9", headers=headers)
    yield Conversation("/scope")
    for path in (
        "/needs/1?token=ab",
        "/needs/1?token=a",
        "/needs/0?token=ab",
        "/needs/1",
        "/needs/1?token=ab&limit=x",
        "/needs/1?token=ab&limit=4",
        "/needs/1?token=ab&limit=5",
        "/needs/1?token=ab&tags=1&tags=2",
    ):
        yield Conversation(path, headers=(("X-Kind", "k"), ("Cookie", "own=o")))
    yield Conversation("/echo", headers=(("Sec-WebSocket-Key", None),), kind="handshake")
    yield Conversation("/echo", headers=(("Sec-WebSocket-Key", "c2hvcnQ="),), kind="handshake")
    yield Conversation("/echo", headers=(("Sec-WebSocket-Key", "no base"),), kind="handshake")
    yield Conversation("/echo", headers=(("Sec-WebSocket-Version", None),), kind="handshake")
    yield Conversation("/echo", headers=(("Sec-WebSocket-Version", "8"),), kind="version")


def _ends() -> Iterator[Conversation]:
    for how in ("error", "http", "socket", "return", "1000", "1001", "1011", "3000", "4999"):
        yield Conversation(f"/ends/{how}")
    # Codes that no close frame may have.
    for how in ("1004", "1005", "1006", "1015", "2999", "5000", "0"):
        yield Conversation(f"/ends/{how}")
    for code in (1000, 1001, 1002, 1003, 1007, 1011, 1012, 3000, 4999):
        yield Conversation("/echo", (close(code, "ü"),))
    yield Conversation("/echo", (close(),))
    yield Conversation("/echo", ("drop",), kind="lost")
    yield Conversation("/echo", (text("a"), 1, "drop"), kind="lost")
    yield Conversation("/iterate/text", (text("a"), 1, "drop"))
    yield Conversation("/keeps-sending", (1, "drop"))
    yield Conversation("/echo", (frame(_TEXT, b"cut", last=False), "drop"), kind="lost")


def _faults() -> Iterator[Conversation]:
    yield Conversation("/echo", (frame(_TEXT, b"\xff\xfe"),), kind="fault")
    yield Conversation("/echo", (frame(_TEXT, b"\xc3", last=False), frame(0, b"a")), kind="fault")
    yield Conversation("/echo", (frame(_BYTES, bytes((16 << 20) + 1)),), kind="fault")
    half = frame(_BYTES, bytes(9 << 20), last=False)
    yield Conversation("/echo", (half, frame(0, bytes(9 << 20))), kind="fault")
    yield Conversation("/echo", (frame(_TEXT, b"a", flags=0x40),), kind="fault")
    yield Conversation("/echo", (frame(3, b"a"),), kind="fault")
    yield Conversation("/echo", (frame(0, b"a"),), kind="fault")
    yield Conversation("/echo", (frame(_TEXT, last=False), frame(_TEXT, b"a")), kind="fault")
    yield Conversation("/echo", (frame(_PING, b"x" * 126),), kind="fault")
    yield Conversation("/echo", (frame(_PING, b"x", last=False),), kind="fault")
    yield Conversation("/echo", (b"\x81\x01a",), kind="fault")
    for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000):
        yield Conversation("/echo", (close(code),), kind="fault")
    yield Conversation("/echo", (frame(_CLOSE, b"\x03"),), kind="fault")
    yield Conversation("/echo", (frame(_CLOSE, b"\x03\xe8\xff"),), kind="fault")


def _scripts() -> Iterator[Conversation]:
    accept = _message("accept")
    hello = _message("send", text="hello")
    yield _raw("receive", accept, hello, "receive", steps=(1, text("a")))
    yield _raw(accept, "receive", hello)
    yield _raw("receive", hello, accept, hello)
    yield _raw("receive", accept, accept, hello)
    yield _raw("receive", _message("receive"), _message("nope"), {"type": "http.response.start"})
    yield _raw("receive", accept, _message("nope"), hello)
    yield _raw("receive", accept, _message("http.response.start", status=200), hello)
    yield _raw("receive", accept, _message("send"), hello)
    yield _raw("receive", accept, _message("send", text=None, hex="00ff"), hello)
    yield _raw("receive", accept, _message("send", text="a", bytes=None), hello)
    yield _raw("receive", accept, _message("close"), "receive", hello, _message("close"))
    yield _raw("receive", accept, _message("close", code=3000), "receive")
    yield _raw("receive", accept, _message("close", code=3000, reason=None), "receive")
    yield _raw("receive", accept, _message("close", reason="x" * 123), hello)
    yield _raw("receive", accept, _message("close", reason="x" * 124), hello)
    yield _raw("receive", accept, "receive", hello, steps=(close(4000, "a"),))
    yield _raw("receive", accept, "receive", _message("close"), steps=(close(4000, "a"),))
    yield _raw("receive", accept, "receive", _message("close"), steps=("drop",), kind="lost")
    yield _raw("receive", accept, "receive", hello, steps=("drop",), kind="lost")
    yield _raw("receive", accept, "raise")
    yield _raw("receive", accept, hello, "exit")
    yield _raw("receive", "raise")
    yield _raw("receive", "exit")
    yield _raw("receive", _message("close"), "receive", accept, hello)
    yield _raw("receive", _message("close"), "raise")
    own = [["X-Own", "1"], ["x-own", "2"]]
    yield _raw("receive", _message("accept", headers=own), hello)
    yield _raw("receive", _message("accept", subprotocol="a", headers=own), hello)
    start, body = _message("http.response.start", status=404), _message("http.response.body")
    yield _raw("receive", start, {**body, "body": "no"}, "receive", accept)
    yield _raw("receive", start, {**body, "body": "n", "more_body": True}, {**body, "body": "o"})
    yield _raw("receive", start, start, {**body, "body": "no"})
    yield _raw("receive", start, "raise")
    yield _raw("receive", {**start, "status": 99}, {**start, "status": 600}, accept, hello)
    yield _raw("receive", {**start, "headers": own}, {**body, "body": "no"})


def _comparable(heard: Heard) -> dict[str, Any]:
    """What has to be the same of a conversation."""
    ours = ("sec-websocket-protocol", "sec-websocket-accept", "sec-websocket-extensions", "allow")
    headers = {
        name: values
        for name, values in sorted(heard.headers.items())
        if (name in ours or name.startswith("x-") or name == "content-type")
        and name != "x-request-id"
    }
    return {
        "status": heard.status,
        "headers": headers,
        "body": heard.body,
        "frames": heard.frames,
        # A copy, which rules change.
        "noted": copy.deepcopy(heard.noted),
    }


Rule = Callable[[Conversation, dict[str, Any], dict[str, Any]], None]


def lost(conversation: Conversation, reference: dict[str, Any], daemon: dict[str, Any]) -> None:
    """A connection without a close frame ends with 1006, by RFC 6455; uvicorn has 1005."""
    if conversation.kind == "lost":
        for note in reference["noted"]:
            if note[0] == "disconnect" and note[1] == 1005:
                note[1] = 1006
            elif isinstance(note[0], dict) and note[0].get("code") == 1005:
                note[0]["code"] = 1006


def version(conversation: Conversation, reference: dict[str, Any], daemon: dict[str, Any]) -> None:
    """Another version is refused with 426, by RFC 6455, and with the version that is served."""
    if conversation.kind == "version" and (reference["status"], daemon["status"]) == (400, 426):
        reference["status"] = 426


def wording(conversation: Conversation, reference: dict[str, Any], daemon: dict[str, Any]) -> None:
    """A fault of the client is described in other words; the code or status is the same."""
    for side in (reference, daemon):
        if conversation.kind == "fault":
            side["frames"] = [(kind, content[:4]) for kind, content in side["frames"]]
            side["noted"] = [note[:2] for note in side["noted"]]
        elif conversation.kind == "handshake":
            side["body"] = side["body"].partition("header")[0]


def library(conversation: Conversation, reference: dict[str, Any], daemon: dict[str, Any]) -> None:
    """A close that no frame can carry is a `ValueError`, not one of uvicorn's library."""
    for note in reference["noted"]:
        if note[:2] == ["raised", "ProtocolError"]:
            note[1] = "ValueError"
            note[2:] = next(
                each[2:] for each in daemon["noted"] if each[:2] == ["raised", "ValueError"]
            )


def refusal_cut(
    conversation: Conversation, reference: dict[str, Any], daemon: dict[str, Any]
) -> None:
    """The head of a refusal is sent as it comes; uvicorn waits for the whole body."""
    if (reference["status"], daemon["body"]) == (0, "") and daemon["headers"]:
        for part in ("status", "headers"):
            reference[part] = daemon[part]


_RULES: tuple[Rule, ...] = (lost, version, wording, library, refusal_cut)


def differences(
    conversation: Conversation, reference: Heard, daemon: Heard, used: Counter[str]
) -> list[str]:
    """Returns what differs, as text."""
    pair = _comparable(reference), _comparable(daemon)
    if pair[0] != pair[1]:
        for rule in _RULES:
            before = json.dumps(pair)
            rule(conversation, *pair)
            if json.dumps(pair) != before:
                used[rule.__name__] += 1
    return [
        f"{name}:\n    uvicorn: {pair[0][name]!r:.600}\n    daemon:  {pair[1][name]!r:.600}"
        for name in pair[0]
        if pair[0][name] != pair[1][name]
    ]


def run(reference: tuple[str, int], daemon: tuple[str, int]) -> int:
    """Plays all conversations with both, prints the differences and returns their number."""
    found, count, used = 0, 0, Counter[str]()
    stamp = time.time_ns()
    begun = time.monotonic()
    for number, conversation in enumerate(conversations()):
        key = f"{stamp}-{number}"
        heard = [play(address, conversation, key) for address in (reference, daemon)]
        limit = time.monotonic() + 5
        while True:
            for each, address in zip(heard, (reference, daemon), strict=True):
                each.noted = noted(address, key)
            differing = differences(conversation, heard[0], heard[1], Counter())
            # What a handler notes after its last frame may come late.
            if not differing or time.monotonic() > limit:
                break
            time.sleep(0.02)
        count += 1
        if differing := differences(conversation, heard[0], heard[1], used):
            found += 1
            print(f"\n{conversation.path} {conversation.steps!r:.300} {conversation.headers}")
            print(*(f"  {each}" for each in differing), sep="\n")
    print(f"{count} conversations compared, {found} differ, {time.monotonic() - begun:.1f} s")
    for rule in _RULES:
        print(f"  {used[rule.__name__]:3} times: {(rule.__doc__ or '').strip()}")
    return found


def main() -> int:
    """Compares, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("daemon", help="the daemon's base URL")
    plugin = Path(__file__).with_name("plugin") / "skills_plugin"
    parser.add_argument("--plugin", type=Path, default=plugin, help="the plugin's package")
    options = parser.parse_args()
    url = urllib.parse.urlsplit(options.daemon)
    with Reference(options.plugin.resolve()) as reference:
        daemon = (url.hostname or "127.0.0.1", url.port or 9100)
        return 1 if run(reference.address, daemon) else 0


if __name__ == "__main__":
    sys.exit(main())
