"""Requests from the values of their parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from corpus import BOUNDARY
from exchange import Request
from samples import sample
from targets import Parameter, Target
from values import good

#: Every request has it; the daemon answers no other name than loopback's.
HOST = ("host", b"localhost")


@dataclass
class Draft:
    """A request under construction; everything is encoded already.

    Attributes:
        path: Values of the path's parameters by name.
        query: Pieces of the query.
        headers: Without cookies.
        cookies: Pieces of the cookie header.
    """

    target: Target
    method: str
    path: dict[str, str] = field(default_factory=dict)
    query: list[str] = field(default_factory=list)
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    cookies: list[bytes] = field(default_factory=list)
    body: bytes | None = None

    def request(self) -> Request:
        """The request."""
        path = "".join(
            quote(before, safe="/!$'()*,;:@=+~&") + self.path.get(name, "")
            for before, name, _ in self.target.pieces
        )
        headers = [HOST, *self.headers]
        if self.cookies:
            headers.append(("cookie", b"; ".join(self.cookies)))
        return Request(
            method=self.method,
            path=path,
            query=tuple(self.query) if self.query else None,
            headers=tuple(headers),
            body=self.body,
        )

    def set_type(self, content_type: bytes | None) -> None:
        """Gives the body a type instead of the one it has."""
        self.headers = [header for header in self.headers if header[0] != "content-type"]
        if content_type is not None:
            self.headers.append(("content-type", content_type))

    def put(self, parameter: Parameter, *values: str) -> None:
        """Gives `parameter` texts, instead of those it has, encoded as a good client would."""
        name, where = parameter.name, parameter.where
        if where == "path":
            self.path[name] = in_path(self.target, name, values[0] if values else "")
        elif where == "query":
            key = quote_plus(name)
            self.query = [piece for piece in self.query if piece.partition("=")[0] != key]
            self.query += [f"{key}={quote_plus(value)}" for value in values]
        elif where == "header":
            self.headers = [header for header in self.headers if header[0] != name]
            self.headers += [(name, in_header(value)) for value in values]
        elif where == "cookie":
            key_bytes = in_header(name) + b"="
            self.cookies = [piece for piece in self.cookies if not piece.startswith(key_bytes)]
            self.cookies += [key_bytes + in_header(value) for value in values]


def in_path(target: Target, name: str, value: str) -> str:
    """`value` for a parameter of the path; slashes stay where the convertor takes them."""
    kind = next((kind for _, own, kind in target.pieces if own == name), "str")
    return quote(value, safe="/" if kind == "path" else "")


def in_header(value: str) -> bytes:
    """`value` as UTF-8, without what would end the header or be no header at all."""
    kept = "".join(char for char in value if (char >= " " and char != "\x7f") or char == "\t")
    return kept.encode()


def fitting(target: Target, method: str) -> Draft:
    """A request that `target` takes, with a value for whatever it requires."""
    draft = Draft(target, method)
    for _, name, kind in target.pieces[:-1]:
        samples = {"int": "5", "float": "0.5", "uuid": "12345678-1234-5678-1234-567812345678"}
        draft.path[name] = samples.get(kind, "word")
    for parameter in target.parameters:
        typed = parameter.where == "path" and draft.path.get(parameter.name) != "word"
        if parameter.required and not typed:
            draft.put(parameter, good(parameter.annotation))
    add_body(draft, {p.name: sample(p.annotation) for p in target.at("body") if p.required})
    add_form(draft, [(p.name, good(p.annotation)) for p in _fields(target) if p.required])
    return draft


def add_body(draft: Draft, values: dict[str, Any]) -> None:
    """Makes the JSON body of the values of the body's parameters."""
    parameters = draft.target.at("body")
    if not parameters or not values:
        return
    whole = values if draft.target.embedded else next(iter(values.values()))
    draft.body = json.dumps(whole).encode()
    draft.set_type(b"application/json")


def add_form(
    draft: Draft,
    values: list[tuple[str, str]],
    named: str = 'filename="ü.txt"\r\nContent-Type: text/x-own',
    parts: bool = False,
) -> None:
    """Makes the form of the values of its fields.

    Args:
        draft: Gets the form instead of the body it has.
        values: Names and values.
        named: Parameters and headers of a file's part besides its name.
        parts: Whether the form is a multipart one also without a file.
    """
    fields = _fields(draft.target)
    if not fields:
        return
    files = {parameter.name for parameter in fields if parameter.where == "file"}
    if not files and not parts:
        draft.body = urlencode(values).encode()
        draft.set_type(b"application/x-www-form-urlencoded")
        return
    made = []
    for name, value in values:
        disposition = f'Content-Disposition: form-data; name="{name}"'
        disposition += f"; {named}" if name in files and named else ""
        made.append(f"--{BOUNDARY}\r\n{disposition}\r\n\r\n{value}\r\n")
    draft.body = "".join([*made, f"--{BOUNDARY}--\r\n"]).encode()
    draft.set_type(f"multipart/form-data; boundary={BOUNDARY}".encode())


def _fields(target: Target) -> tuple[Parameter, ...]:
    return (*target.at("form"), *target.at("file"))
