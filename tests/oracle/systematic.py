"""Systematic requests: every route, every parameter, every text."""

# ruff: noqa: E501 - lists of odd texts

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote_plus

from build import Draft, fitting, in_header
from corpus import BODIES, BOUNDARY, CONTENT_TYPES, FORBIDDEN, PARTS, RAW
from exchange import Request
from reference import PREFIX
from targets import Parameter, Target
from values import convertor_texts, texts

METHODS = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "PURGE", "get",
)  # fmt: skip
#: Routes that test matching.
_MATCHED = ("/order/", "/convert/", "/slashes/", "/own/", "/plain/", "/mount", "/tenant/")
#: Routes whose answer depends on earlier requests with the same key.
_KEPT = ("/tasks/", "/closing/", "/lifespans/")
#: A case is one request or several that belong together, in order and on one connection.
Case = tuple[Request, ...]


def is_ordinary(target: Target) -> bool:
    """Returns whether requests to `target` are independent of each other."""
    kept = "{key}" in target.path and any(part in target.path for part in _KEPT)
    kept |= target.path.startswith(f"{PREFIX}/handed/overrid")
    kept |= target.path in (f"{PREFIX}/calls", f"{PREFIX}/trace/events")
    return not kept


def every_route(targets: list[Target], chance: random.Random, count: int) -> list[Case]:
    """Each route as it should be called, with each method; `count` of them, if more."""
    makers = [
        (target, method) for target in filter(is_ordinary, targets) for method in target.methods
    ]
    if len(makers) > count:
        makers = chance.sample(makers, count)
    return [(fitting(target, method).request(),) for target, method in makers]


def sequences(token: str) -> Iterator[Case]:
    """Returns cases of several requests; `token` is new in each run."""
    ways = [
        ("/tasks/add/{key}", "", 3),
        ("/tasks/add/{key}", "fail=true", 2),
        ("/tasks/add-late/{key}", "", 1),
        ("/tasks/add-late/{key}", "how=response", 1),
        ("/tasks/add-late/{key}", "how=own", 0),
        ("/tasks/add-late/{key}", "how=raise", 0),
        ("/tasks/add-needed/{key}", "", 2),
        *(("/tasks/once/{key}", f"result={r}", 1) for r in ("nan", "surrogate", "key", "none")),
    ]
    for number, (path, query, done) in enumerate(ways):
        key = f"{token}-{number}"
        method = "GET" if "once" in path else "POST"
        first = Request(
            method,
            PREFIX + path.replace("{key}", key),
            query=(query,) if query else None,
        )
        wait = Request("GET", f"{PREFIX}/tasks/wait/{key}/{done}")
        yield first, wait, wait
    # What one request leaves behind, the next one must not find.
    for name in ("context", "context-late", "context-needed", "context-needed-late"):
        request = Request("GET", f"{PREFIX}/tasks/{name}")
        yield tuple(replace(request, query=(f"value={value}",)) for value in "abc")
    changes = Request("GET", f"{PREFIX}/styles/mutable-defaults")
    yield changes, changes, replace(changes, query=("a=9",)), changes
    # What is closed after the answer is seen by a later request.
    for name, notes in {"keep": 4, "keep-streamed": 2, "keep-function": 2, "keep-both": 2}.items():
        kept = Request("GET", f"{PREFIX}/closing/{name}/{token}-{name}")
        waits = f"{PREFIX}/closing/keep-wait/{token}-{name}"
        yield kept, Request("GET", f"{waits}/{notes}"), kept, Request("GET", f"{waits}/{2 * notes}")
    kept = Request("GET", f"{PREFIX}/lifespans/keep/{token}")
    yield kept, replace(kept, query=("value=y",)), kept
    changes = Request("GET", f"{PREFIX}/lifespans/set")
    yield changes, replace(changes, query=("value=y",)), changes
    # An unread body, and then another request on the same connection.
    for path in ("/bodies/unread", "/bodies/unread-plain", "/query/int?", "/order/twice"):
        for chunked in (False, True):
            method = "POST" if "unread" in path else "GET"
            body = b"GET /oracle/order/method HTTP/1.1\r\nhost: localhost\r\n\r\n"
            unread = Request(method, PREFIX + path.rstrip("?"), body=body, chunked=chunked)
            yield unread, Request("GET", f"{PREFIX}/order/twice")


def every_text(targets: list[Target], chance: random.Random, count: int) -> list[Case]:
    """Each text for each parameter, and each way to misspell a route; `count` of them, if more."""
    makers: list[tuple[Target, Parameter | None, str, str]] = []
    for number, target in enumerate(filter(is_ordinary, targets)):
        # Most routes differ in what they take, and are matched all alike.
        if number % 10 == 0 or target.path.removeprefix(PREFIX).startswith(_MATCHED):
            makers += [(target, None, "method", method) for method in METHODS]
            makers += [(target, None, "path", str(way)) for way in range(RESPELLINGS)]
        named = {parameter.name: parameter for parameter in target.at("path")}
        for _, name, kind in target.pieces[:-1]:
            parameter = named.get(name, Parameter("path", name, str))
            found = [*convertor_texts(kind), *texts(parameter.annotation)]
            makers += [(target, parameter, "text", text) for text in dict.fromkeys(found)]
            makers += [(target, parameter, "raw", text) for text in RAW]
        if target.at("body"):
            makers += [(target, None, "body", str(n)) for n in range(len(BODIES))]
        if target.at("form") or target.at("file"):
            makers += [(target, None, "parts", str(n)) for n in range(len(PARTS))]
        if {"body", "form", "file"} & {parameter.where for parameter in target.parameters}:
            makers += [(target, None, "type", str(n)) for n in range(len(CONTENT_TYPES))]
        for where in ("query", "header", "cookie"):
            for parameter in target.at(where):
                makers += [
                    (target, parameter, "text", text) for text in texts(parameter.annotation)
                ]
                makers += [(target, parameter, "shape", str(n)) for n in range(_SHAPES)]
                raw = RAW if where == "query" else []
                makers += [(target, parameter, "raw", text) for text in raw]
    if len(makers) > count:
        makers = chance.sample(makers, count)
    return [(_make(*maker),) for maker in makers]


def _make(target: Target, parameter: Parameter | None, how: str, text: str) -> Request:
    draft = fitting(target, target.methods[0])
    if how == "body":
        draft.body = BODIES[int(text)]
    elif how == "parts":
        draft.body = PARTS[int(text)]
        draft.set_type(f"multipart/form-data; boundary={BOUNDARY}".encode())
    elif how == "type":
        draft.set_type(CONTENT_TYPES[int(text)])
    elif parameter is None:
        request = draft.request()
        if how == "method":
            return replace(request, method=text)
        return replace(request, path=respelled(request.path, int(text)))
    elif how == "text":
        draft.put(parameter, text)
    elif how == "raw":
        draft.put(parameter, "")
        if parameter.where == "path":
            draft.path[parameter.name] = text
        else:
            draft.query.append(f"{quote_plus(parameter.name)}={text}")
    else:
        _shape(draft, parameter, int(text))
    return draft.request()


#: Number of ways in `respelled`.
RESPELLINGS = 18


def respelled(path: str, way: int) -> str:
    """`path` in another spelling, most of which should not be found."""
    head, _, tail = path.rpartition("/")
    middle = len(PREFIX) + 1
    ways = [
        path + "/",
        path.rstrip("/"),
        path + "//",
        path + "%0A",
        path + "%2F",
        path + "%00",
        path + ";a=b",
        path[:middle] + path[middle:].upper(),
        f"{head}//{tail}",
        f"{head}/./{tail}",
        f"{head}/x/../{tail}",
        f"{head}/%2E/{tail}",
        f"{head}%2F{tail}",
        path[:middle] + "".join(f"%{ord(c):02X}" if c.isalpha() else c for c in path[middle:]),
        path[:middle] + "".join(f"%{ord(c):02x}" if c.isalpha() else c for c in path[middle:]),
        f"{path}/more",
        head,
        path + FORBIDDEN[len(path) % len(FORBIDDEN)],
    ]
    return ways[way]


#: Number of ways in `_shape`.
_SHAPES = 12


def _shape(draft: Draft, parameter: Parameter, way: int) -> None:
    """Gives `parameter` no value, several, or one in an unusual form."""
    fits = [text for text in texts(parameter.annotation) if text.strip()][:3]
    first, last = fits[0], fits[-1]
    draft.put(parameter)
    where, name = parameter.where, parameter.name
    if way == 0:
        return
    if way < 5:
        draft.put(parameter, *[[first, last], [last, first], [first, ""], ["", first]][way - 1])
        return
    if where == "query":
        key = quote_plus(name)
        odd = f"%{ord(name[0]):02x}{quote_plus(name[1:])}" if name else ""
        draft.query += [
            [key], [f"{odd}={quote_plus(first)}"], ["", f"{key}={quote_plus(first)}", ""],
            [f"{key}={quote_plus(first)};{key}=2"], [f"{key}={quote_plus(first)}=x"],
            [f"{key.upper()}={quote_plus(first)}"], [f"{key}={quote_plus(first)}", *["u=1"] * 1200],
        ][way - 5]  # fmt: skip
    elif where == "header":
        value = in_header(first)
        draft.headers += [
            [(name.upper(), value)], [(name.replace("-", "_"), value)], [(name, b"  " + value + b"\t ")],
            [(name, first.encode("latin-1", "replace") + b"\xe9")], [(name, value + b"," + value)],
            [(name.title(), value), (name, in_header(last))], [(name, b'"' + value + b'"')],
        ][way - 5]  # fmt: skip
    elif where == "cookie":
        key_bytes, value = in_header(name), in_header(first)
        if way == 11:
            draft.headers += [("cookie", key_bytes + b"=" + value), ("Cookie", key_bytes + b"=2")]
            return
        draft.cookies += [
            [key_bytes], [key_bytes + b'="' + value + b'"'], [b" " + key_bytes + b" = " + value],
            [b"$Version=1", key_bytes + b"=" + value + b";;"], [key_bytes + b"=" + value + b",x=1"],
            [key_bytes.upper() + b"=" + value],
        ][way - 5]  # fmt: skip
