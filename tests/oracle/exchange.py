"""Requests as bytes, connections, and answers.

An HTTP library would repair the very requests that are to be compared, so requests are written by
hand. Answers are read with h11, which is strict.
"""

from __future__ import annotations

import contextlib
import select
import shlex
import socket
import time
from dataclasses import dataclass, field, replace
from typing import Any

import h11

#: Seconds after which an answer is given up.
LIMIT = 60.0
#: Seconds after which a handler has begun.
_BEGUN = 0.1


@dataclass(frozen=True)
class Request:
    """A request, in pieces that can be left out.

    Attributes:
        method: As it is sent.
        path: The target up to the query, as it is sent.
        query: Parts between the `&`; `None` for no `?`.
        headers: Names and values; `Host` first.
        body: `None` for no body and no length.
        chunked: Whether the body is sent in chunks.
        version: Of HTTP.
        leaves: When the client goes: in the middle of its `body`, after its `request`, or when the
            first part of the `answer` came; empty for never.
    """

    method: str = "GET"
    path: str = "/"
    query: tuple[str, ...] | None = None
    headers: tuple[tuple[str, bytes], ...] = (("host", b"localhost"),)
    body: bytes | None = None
    chunked: bool = False
    version: str = "1.1"
    leaves: str = ""

    @property
    def is_plain(self) -> bool:
        """True if every server accepts it as HTTP: h11 and hyper are strict in different ways."""
        if any(not "!" <= char <= "~" or char in '"<>\\^`{|}#' for char in self.target):
            return False
        server = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        try:
            server.receive_data(self.encode())
            return isinstance(server.next_event(), h11.Request)
        except h11.RemoteProtocolError:
            return False

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path if self.query is None else f"{self.path}?{'&'.join(self.query)}"

    def encode(self) -> bytes:
        """The bytes on the wire."""
        lines = [f"{self.method} {self.target} HTTP/{self.version}".encode("latin-1", "replace")]
        lines += [name.encode("latin-1") + b": " + value for name, value in self.headers]
        body = self.body or b""
        if self.chunked and self.body is not None:
            lines.append(b"transfer-encoding: chunked")
            half = len(body) // 2
            pieces = [piece for piece in (body[:half], body[half:]) if piece]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            body += b"0\r\n\r\n"
        elif self.body is not None:
            lines.append(b"content-length: %d" % len(body))
        return b"\r\n".join([*lines, b"", body])

    def as_curl(self, base: str) -> str:
        """A command that sends nearly the same."""
        words = ["curl", "-i", "--path-as-is", "-X", self.method, base + self.target]
        words += ["--http1.0"] if self.version == "1.0" else []
        for name, value in self.headers:
            words += ["-H", f"{name}: {value.decode('latin-1')}"]
        if self.chunked:
            words += ["-H", "transfer-encoding: chunked"]
        if self.body is not None:
            words += ["--data-binary", self.body.decode("latin-1")]
        return shlex.join(words)


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: 0 if there was no answer.
        headers: Names in lower case.
        whole: Whether the body came to its end.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    whole: bool = True

    def all(self, name: str) -> list[str]:
        """Every value of the header `name`."""
        return [value for own, value in self.headers if own == name]

    @property
    def media_type(self) -> str:
        """Without parameters; empty if it is missing."""
        return "".join(self.all("content-type")[:1]).partition(";")[0].strip().lower()

    def __str__(self) -> str:
        """Returns the answer as shortened text."""
        if self.status == 0:
            return f"no answer ({self.body.decode('latin-1')})"
        headers = " ".join(f"{n}={v!r}" for n, v in self.headers if n not in ("date", "connection"))
        cut = "" if self.whole else " CUT OFF"
        return f"{self.status} [{headers}] {self.body[:1500]!r}{cut}"


@dataclass
class Connection:
    """A connection that is kept as long as the server keeps it.

    Attributes:
        address: Of the server.
        kept: Whether it is used for more than one request at all.
    """

    address: tuple[str, int]
    kept: bool = True
    _socket: socket.socket | None = field(default=None, repr=False)

    def ask(self, request: Request) -> Answer:
        """Sends `request` and reads the answer."""
        if request.leaves:
            return self._leave(request)
        # A server may close an idle connection. Nothing is ever sent twice: handlers are counted.
        if self._socket is not None and select.select([self._socket], [], [], 0)[0]:
            self.close()
        return self._once(request) or Answer(0, body=b"connection closed")

    def close(self) -> None:
        """Closes the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _leave(self, request: Request) -> Answer:
        """Sends `request` on a connection of its own and leaves; the answer has no body."""
        reader = _Reader(request.method, request.version)
        sent = request.encode()
        if request.leaves == "body":
            sent = sent[: -(len(request.body or b"") // 2)]
        with socket.create_connection(self.address, LIMIT) as leaving:
            leaving.sendall(sent)
            if request.leaves == "answer":
                while not (reader.ended or (reader.answer and reader.answer.body)):
                    reader.feed(leaving.recv(1 << 16))
            else:
                # The handler is to have begun.
                time.sleep(_BEGUN)
        answer = reader.answer
        return replace(answer, body=b"", whole=True) if answer else Answer(0, body=b"left")

    def _once(self, request: Request) -> Answer | None:
        if self._socket is None:
            self._socket = socket.create_connection(self.address, LIMIT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A request that is refused early may have been answered all the same.
        with contextlib.suppress(OSError):
            self._socket.sendall(request.encode())
        reader = _Reader(request.method, request.version)
        try:
            while not reader.ended:
                reader.feed(self._socket.recv(1 << 16))
        except TimeoutError:
            self.close()
            return Answer(0, body=b"timeout")
        except OSError:
            reader.feed(b"")
        # A body of another coding than announced shows only after the answer, and ends it then.
        announced = any(name.lower() == "transfer-encoding" for name, _ in request.headers)
        if announced or not (self.kept and reader.keeps_alive):
            self.close()
        return reader.answer


class _Reader:
    """Reads one answer."""

    def __init__(self, method: str, version: str) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
        # h11 gets the method only for its state; its own bytes are not sent.
        known = "HEAD" if method == "HEAD" else "GET"
        self._http.send(h11.Request(method=known, target="/", headers=[("host", "h")]))
        self._http.send(h11.EndOfMessage())
        self._head: h11.Response | None = None
        self._body = bytearray()
        self._whole = False
        self.ended = False
        self.keeps_alive = False
        self._version = version

    def feed(self, data: bytes) -> None:
        """Takes what was received; nothing at the end of the connection."""
        try:
            self._http.receive_data(data)
            while not self.ended:
                event: Any = self._http.next_event()
                if event is h11.NEED_DATA:
                    break
                self._take(event)
        except h11.RemoteProtocolError:
            self.ended = True
        if not data:
            self.ended = True
            self.keeps_alive = False

    def _take(self, event: Any) -> None:
        if isinstance(event, h11.Response):
            self._head = event
        elif isinstance(event, h11.Data):
            self._body += event.data
        elif isinstance(event, h11.EndOfMessage):
            self._whole = self.ended = True
            self.keeps_alive = self._http.our_state is h11.DONE and self._version == "1.1"
            self.keeps_alive &= not self._http.trailing_data[0]
        elif isinstance(event, h11.ConnectionClosed):
            self.ended = True

    @property
    def answer(self) -> Answer | None:
        """The answer, if one came."""
        if self._head is None:
            return None
        headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in self._head.headers)
        return Answer(self._head.status_code, headers, bytes(self._body), self._whole)
