"""Requests, as text for people and as a table for `wrk.lua`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

JSON = ("Content-Type", "application/json")


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        method: In capital letters.
        path: With the query.
        body: Bytes of any kind, or `None`.
        headers: Besides `Host` and `Content-Length`.
    """

    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"

    def with_header(self, name: str, value: str) -> Request:
        """Returns the request with another header."""
        return Request(self.method, self.path, self.body, (*self.headers, (name, value)))


def parse(text: str) -> Request:
    """Returns the request of `METHOD PATH` or `METHOD PATH BODY`, whose body is JSON."""
    method, path, *body = text.split(" ", 2)
    if not body:
        return Request(method, path)
    return Request(method, path, body[0].encode(), (JSON,))


def as_lua(requests: Iterable[Request]) -> str:
    """Returns a chunk of Lua that returns the requests as a table."""
    return "return {" + ",\n".join(map(_table, requests)) + "}\n"


def _table(request: Request) -> str:
    headers = ",".join(f"[{_text(n.encode())}]={_text(v.encode())}" for n, v in request.headers)
    fields = [
        f"method={_text(request.method.encode())}",
        f"path={_text(request.path.encode())}",
        f"headers={{{headers}}}",
    ]
    if request.body is not None:
        fields.append(f"body={_text(request.body)}")
    return "{" + ",".join(fields) + "}"


def _text(value: bytes) -> str:
    """Returns a literal of Lua, in which every byte but letters and digits is escaped."""
    plain = (chr(byte) if chr(byte).isalnum() and byte < 128 else f"\\{byte:03}" for byte in value)
    return '"' + "".join(plain) + '"'
