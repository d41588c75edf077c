"""Random requests, made by hypothesis."""

# ruff: noqa: E501 - lists of odd texts

from __future__ import annotations

import functools
import json
import random
from dataclasses import replace
from typing import Any
from urllib.parse import quote, quote_plus

import hypothesis
import hypothesis.strategies as st
from build import Draft, add_form, fitting, in_header, in_path
from corpus import ANY, BODIES, CONTENT_TYPES, FORBIDDEN, PARTS, RAW
from exchange import Request
from hypothesis import HealthCheck, Phase
from samples import changed, sample, written
from systematic import METHODS, RESPELLINGS, Case, is_ordinary, respelled
from targets import Parameter, Target
from values import convertor_texts, texts

#: Headers with a meaning to a handler, server or proxy.
_HEADERS: list[tuple[str, bytes]] = [
    ("accept", b"text/html"), ("accept-encoding", b"gzip, br"), ("x-request-id", b"own id"),
    ("range", b"bytes=0-3"), ("range", b"bytes=-5"), ("range", b"bytes=9-1"), ("range", b"lines=1"),
    ("range", b"bytes=99999999-"), ("if-range", b"x"), ("last-event-id", b"1"), ("origin", b"http://localhost"),
    ("access-control-request-method", b"GET"), ("access-control-request-headers", b"x-word"), ("if-none-match", b"*"), ("connection", b"close"),
    ("content-type", b"text/plain"), ("content-type", b"application/json"), ("x-empty", b""),
    ("expect", b"100-continue"), ("x-key", b"secret"), ("x-guard", b"1"), ("x-key", b"caf\xe9"),
    ("authorization", b"Basic YTpi"), ("authorization", b"Bearer abc"), ("authorization", b"basic"),
    ("authorization", b"Basic %%%"), ("cookie", b"a=1; b; =c; key=k; v=\"q\\\"q\"; session=\xc3\xbc"),
    ("x-forwarded-for", b"1.2.3.4"), ("x-forwarded-proto", b"https"), ("user-agent", b"oracle/1"),
    ("upgrade", b"websocket"), ("x-http-method-override", b"DELETE"), ("forwarded", b"for=1.2.3.4"),
]  # fmt: skip
#: Characters that are treated in some special way somewhere; all there are take hypothesis seconds.
_CHARACTERS = "aZ09 _-+.,:;/\\%&=?#<>\"'`|{}[]()*~@!$^\t\n\r\x00\x1f\x7f\x80\xa0éßÜ\u0130\u200b\u2028\ufeff\uffff१🎉"
_TEXT = st.text(_CHARACTERS, max_size=8)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(ANY) | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "item", "count", "id", "order"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)

#: File names of form parts.
_NAMED = [
    'filename="ü.txt"\r\nContent-Type: text/x-own', 'filename=""', "filename=a.b", "",
    'filename="a/../b"\r\nContent-Type: application/octet-stream\r\nX-Own: 1',
]  # fmt: skip
_RANDOM = st.integers(0, 1 << 32).map(random.Random)
_TO_NINE = st.integers(0, 9)
_ANY = st.sampled_from(ANY)
_DIGITS = st.text("0123456789+-._eE:TZ ", max_size=8)
_RAW = st.sampled_from(RAW)
_RAW_OR_FORBIDDEN = st.sampled_from([*RAW, *FORBIDDEN])
_PIECES = st.lists(
    st.sampled_from(["", "&", "=", "a", "=b", "x=1", "v", "v=", "%", "?", "v=%FF", "a[]=1"]),
    max_size=3,
)
_SOME_HEADERS = st.lists(st.sampled_from(_HEADERS), max_size=3)
_HOSTS = st.sampled_from(
    [b"localhost:9100", b"127.0.0.1:1", b"[::1]", b"LOCALHOST", b"localhost.", b"a.localhost"]
)
_ODD_COOKIES = st.sampled_from(
    [b"", b"x", b"=", b"v", b"v=\xfc", b"\xff=1", b",", b"v==1", b"v=\t1", b"v=%31"]
)


def _of_site(host: bytes, headers: tuple[tuple[str, bytes], ...]) -> tuple[tuple[str, bytes], ...]:
    """Returns the headers with any `Origin` that of `host`; the daemon refuses others."""
    origin = b"http://" + host
    return tuple((name, origin if name == "origin" else value) for name, value in headers)


def cases(targets: list[Target], seed: int, count: int) -> list[Case]:
    """About `count` requests to `targets`."""
    made: list[Case] = []
    weighted = [
        target
        for target in filter(is_ordinary, targets)
        for _ in range(1 + 4 * len(target.parameters))
    ]

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=max(count, 1),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(_requests(weighted))
    def collect(request: Request) -> None:
        made.append((request,))

    collect()
    return made


@st.composite
def _requests(draw: st.DrawFn, targets: list[Target]) -> Request:
    # Not `sampled_from`, which hashes and prints all of them again and again.
    target = targets[draw(st.integers(0, len(targets) - 1))]
    draft = fitting(target, draw(st.sampled_from(target.methods)))
    parameters = [p for p in target.parameters if p.where in ("path", "query", "header", "cookie")]
    named = {parameter.name for parameter in parameters if parameter.where == "path"}
    for _, name, _ in target.pieces[:-1]:
        if name not in named:
            parameters.append(Parameter("path", name, str))
    for _ in range(draw(st.integers(0, 4)) if parameters else 0):
        _change(draw, draft, parameters[draw(st.integers(0, len(parameters) - 1))])
    if len(draft.query) > 1 and draw(st.booleans()):
        draft.query = draw(st.permutations(draft.query))
    if draw(_one_in(4)):
        draft.query += draw(_PIECES)
    if draw(_one_in(4)):
        draft.headers += draw(_SOME_HEADERS)
    if target.at("body") or target.at("form") or target.at("file") or draw(_one_in(8)):
        _change_body(draw, draft)
    request = draft.request()
    if draw(_one_in(10)):
        request = replace(
            request, path=respelled(request.path, draw(st.integers(0, RESPELLINGS - 1)))
        )
    if draw(_one_in(20)):
        request = replace(request, method=draw(st.sampled_from(METHODS)))
    if draw(_one_in(40)):
        request = replace(request, version="1.0")
    if draw(_one_in(40)):
        host = draw(_HOSTS)
        rest = _of_site(host, request.headers[1:])
        request = replace(request, headers=(("Host", host), *rest))
    return request


@functools.cache
def _one_in(number: int) -> st.SearchStrategy[bool]:
    return st.integers(0, number - 1).map(lambda drawn: drawn == number - 1)


def _value(draw: st.DrawFn, draft: Draft, parameter: Parameter) -> str:
    known = texts(parameter.annotation)
    for _, name, kind in draft.target.pieces:
        if name == parameter.name and parameter.where == "path":
            known = [*convertor_texts(kind), *known]
    how = draw(_TO_NINE)
    if how < 7:
        return known[draw(st.integers(0, len(known) - 1))]
    return draw((_ANY, _TEXT, _DIGITS)[how - 7])


def _change(draw: st.DrawFn, draft: Draft, parameter: Parameter) -> None:
    """Gives one parameter other values, in one of the encodings there are."""
    name, where = parameter.name, parameter.where
    most = 1 if where == "path" else 3
    values = [
        _value(draw, draft, parameter) for _ in range(draw(st.integers(int(where == "path"), most)))
    ]
    # What hypothesis may make and UTF-8 cannot express.
    values = [value.encode("utf-8", "replace").decode() for value in values]
    draft.put(parameter, *values)
    how = draw(st.integers(0, 5))
    if where == "path":
        if how == 0:
            draft.path[name] = draw(_RAW_OR_FORBIDDEN)
        elif how == 1:
            draft.path[name] = "".join(f"%{byte:02x}" for byte in values[0].encode())
        elif how == 2:
            draft.path[name] = in_path(draft.target, name, values[0]) + draw(_RAW)
        elif how == 3:
            draft.path[name] = quote(values[0], safe="/!$&'()*+,;=:@")
    elif where == "query":
        key = quote_plus(name)
        if how == 0:
            draft.query.append(f"{key}={draw(_RAW_OR_FORBIDDEN)}")
        elif how == 1:
            draft.query.append(draw(st.sampled_from([key, f"{key}=", f"%{key}=1", f"{key}[]=1"])))
        elif how == 2:
            draft.query.append(f"{key}={quote(_value(draw, draft, parameter), safe='/!$()*,;:@?')}")
    elif where == "header":
        if how == 0:
            draft.headers.append(
                (name.title(), in_header(_value(draw, draft, parameter)) + b"\xff")
            )
        elif how == 1:
            draft.headers.append(
                (name.upper(), b" \t " + in_header(_value(draw, draft, parameter)))
            )
    elif how == 0:
        draft.cookies.append(draw(_ODD_COOKIES))


def _change_body(draw: st.DrawFn, draft: Draft) -> None:
    how = draw(_TO_NINE)
    fields = (*draft.target.at("form"), *draft.target.at("file"))
    if how == 0:
        draft.body = None
    elif how == 1:
        draft.body = draw(st.sampled_from(BODIES))
    elif how == 2:
        draft.set_type(draw(st.sampled_from(CONTENT_TYPES)))
    elif how == 3:
        draft.body = json.dumps(draw(_JSON)).encode()
    elif draft.target.at("body"):
        chance = draw(_RANDOM)
        values = {p.name: sample(p.annotation, how > 6) for p in draft.target.at("body")}
        whole: Any = values if draft.target.embedded else next(iter(values.values()))
        for _ in range(draw(st.integers(0, 2))):
            whole = changed(whole, chance)
        draft.body = written(whole, chance)
        draft.set_type(b"application/json")
    elif fields and how == 4:
        draft.body = draw(st.sampled_from(PARTS))
        draft.set_type(b"multipart/form-data; boundary=oracle-boundary")
    elif fields:
        chosen = draw(st.lists(st.sampled_from(fields), max_size=4))
        chosen += [field for field in fields if field.required and draw(st.booleans())]
        pairs = [(p.name, _clean(_value(draw, draft, p))) for p in chosen]
        add_form(draft, pairs, named=draw(st.sampled_from(_NAMED)), parts=how == 5)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
