"""Clients that vanish in the middle of a request or of its answer."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.request import Request, parse
from harness.workloads import FORM, UPLOAD

#: Seconds between two of them, and until an answer has begun.
_PAUSE, _BEGUN_MAX = 0.01, 5


@dataclass(frozen=True)
class _Vanishing:
    """A client.

    Attributes:
        request: What it sends.
        sent: The part of the request that it sends before it goes.
        reads: Whether it waits for the first bytes of the answer.
        resets: Whether it closes its connection with a reset.
    """

    request: Request
    sent: float = 1.0
    reads: bool = False
    resets: bool = False


_LEAKS_UPLOAD = Request("POST", "/bench/leaks/upload", UPLOAD.body, UPLOAD.headers)
_STREAM = parse("GET /bench/leaks/stream")
_ORDER = parse('POST /bench/leaks/order {"item":"tea","count":2}')
_CLIENTS = (
    _Vanishing(_LEAKS_UPLOAD, sent=0.5),
    _Vanishing(_LEAKS_UPLOAD, sent=0.9, resets=True),
    _Vanishing(_STREAM, reads=True),
    _Vanishing(_STREAM, reads=True, resets=True),
    _Vanishing(parse("GET /bench/leaks/slow")),
    _Vanishing(_ORDER, sent=0.95),
    _Vanishing(FORM, sent=0.9, resets=True),
    _Vanishing(parse("GET /bench/rows"), reads=True, resets=True),
    _Vanishing(parse("GET /bench/file"), reads=True),
    _Vanishing(parse("GET /bench/stream"), sent=0.3),
)


class Vanishing:
    """Such clients, one after the other on a thread of their own; a context manager.

    Attributes:
        count: How many there were.
    """

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._address = (place.hostname or "127.0.0.1", place.port or 0)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.count = 0

    def __enter__(self) -> Vanishing:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        for client in itertools.cycle(_CLIENTS):
            if self._end.wait(_PAUSE):
                return
            # A busy server may be slower than a client is patient, which is one more that vanishes.
            with suppress(OSError):
                self._vanish(client)
            self.count += 1

    def _vanish(self, client: _Vanishing) -> None:
        whole = _encoded(client.request)
        with socket.create_connection(self._address, _BEGUN_MAX) as connection:
            connection.sendall(whole[: int(len(whole) * client.sent)])
            if client.reads:
                connection.recv(1)
            else:
                time.sleep(_PAUSE / 2)
            if client.resets:
                linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _encoded(request: Request) -> bytes:
    lines = [f"{request.method} {request.path} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.body is not None:
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (request.body or b"")
