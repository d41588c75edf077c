"""From what a parameter gets to a request."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from exchange import Request
from targets import Parameter, Target
from values import good, is_many

#: Every request has it; the daemon answers no other name than loopback's.
HOST = ("host", b"localhost")
_BOUNDARY = "oracle-boundary"


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
    draft.headers.append(("content-type", b"application/json"))


def add_form(draft: Draft, values: list[tuple[str, str]]) -> None:
    """Makes the form of the values of its fields."""
    fields = _fields(draft.target)
    if not fields:
        return
    files = {parameter.name for parameter in fields if parameter.where == "file"}
    if not files:
        draft.body = urlencode(values).encode()
        draft.headers.append(("content-type", b"application/x-www-form-urlencoded"))
        return
    parts = []
    for name, value in values:
        named = '; filename="ü.txt"\r\nContent-Type: text/x-own' if name in files else ""
        disposition = f'Content-Disposition: form-data; name="{name}"{named}'
        parts.append(f"--{_BOUNDARY}\r\n{disposition}\r\n\r\n{value}\r\n")
    draft.body = "".join([*parts, f"--{_BOUNDARY}--\r\n"]).encode()
    content_type = f"multipart/form-data; boundary={_BOUNDARY}"
    draft.headers.append(("content-type", content_type.encode()))


def sample(annotation: Any) -> Any:
    """A value of JSON that a body of this type takes."""
    if fields := getattr(annotation, "model_fields", None):
        return {
            own.alias or name: sample(own.annotation)
            for name, own in fields.items()
            if own.is_required()
        }
    text = good(annotation)
    if is_many(annotation):
        return [json_of(text)]
    return {} if "dict" in str(annotation) else json_of(text)


def json_of(text: str) -> Any:
    """`text` as the number it may be, or as it is."""
    try:
        return int(text) if len(text) < 20 else text
    except ValueError:
        return text


def _fields(target: Target) -> tuple[Parameter, ...]:
    return (*target.at("form"), *target.at("file"))
