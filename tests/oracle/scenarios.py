"""Requests for certain routes: trees of dependencies, validators, clients that leave, files."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import get_args

import starlette
from build import HOST, fitting
from corpus import BODIES, BOUNDARY, CONTENT_TYPES
from events import NAME, TRACED
from exchange import Request
from reference import PREFIX
from systematic import Case
from targets import Parameter, Target

_JSON = ("content-type", b"application/json")
_FORM = ("content-type", b"application/x-www-form-urlencoded")
_MULTIPART = ("content-type", f"multipart/form-data; boundary={BOUNDARY}".encode())


def scenarios(targets: list[Target], chance: random.Random, count: int) -> list[Case]:
    """All of them; `count` of those that are many, if more."""
    many = [*_steps(targets, chance), *_validated(), *_ranges(targets), *_encoded()]
    if len(many) > count:
        many = chance.sample(many, count)
    few = (*_across(targets), *_read(targets), *_left(targets), *_uploads(), _overrides())
    return [(request,) for request in many] + list(few)


def _steps(targets: list[Target], chance: random.Random) -> Iterator[Request]:
    """Each tree with each step that fails, and how is left to chance."""
    for target in targets:
        if not target.path.startswith(f"{TRACED}steps/"):
            continue
        named = {parameter.name: parameter for parameter in target.parameters}
        plain = fitting(target, target.methods[0]).request()
        for fail in _choices(named["fail"]):
            query = [f"fail={fail}"]
            for name in ("error", "treat", "answer"):
                if name in named and chance.random() < 0.7:
                    query.append(f"{name}={chance.choice(_choices(named[name]))}")
            yield replace(plain, query=tuple(query))
        for treat in _choices(named["treat"]):
            yield replace(plain, query=("fail=handler", f"treat={treat}"))
        for answer in _choices(named["answer"]) if "answer" in named else ():
            yield replace(plain, query=(f"answer={answer}",))
        # One is not called, and what about the others?
        yield replace(plain, query=("number=x",))
        yield replace(plain, query=("ratio=x", "fail=middle"))
        yield replace(plain, query=("fail=x", "number=-1", "ratio=10", "answer=x"))


def _choices(parameter: Parameter) -> list[str]:
    """The texts that a parameter of literals takes, also where they are `Annotated`."""
    chosen = get_args(parameter.annotation)
    inner = get_args(chosen[0]) if chosen else ()
    return [choice for choice in (inner or chosen) if isinstance(choice, str)]


def _across(targets: list[Target]) -> Iterator[Case]:
    """Everything that a handler does with what a dependency holds."""
    for target in targets:
        if target.path.startswith(f"{TRACED}across/"):
            named = {parameter.name: parameter for parameter in target.parameters}
            plain = fitting(target, target.methods[0]).request()
            limited = "timeout" in target.path
            for act in _choices(named["act"]):
                if act == "long" and not limited:
                    continue
                yield (replace(plain, query=(f"act={act}",)),)


#: Ends of a checked text: how the check fails, if it does.
_FAILS = ("ok", "value", "assert", "custom", "http", "key")


def _validated() -> Iterator[Request]:
    """Each check that fails in each way, and several at once."""
    base = f"{TRACED}validated"
    for fail in _FAILS:
        bad, good = f"{NAME}.x.{fail}", f"{NAME}.ok"
        for first, second in ((bad, good), (good, bad), (bad, bad)):
            model = {"first": first, "second": second}
            one = json.dumps(model).encode()
            several = json.dumps({"a": model, "b": second, "c": -1}).encode()
            for query in ((), (f"word={bad}", "number=-1"), (f"word={good}", "number=x")):
                yield _post(f"{base}/body", query, one, _JSON, ("x-word", first.encode()))
                cookie = ("cookie", f"cookie={bad}; word={bad}".encode())
                yield _post(f"{base}/several", query, several, _JSON, cookie)
            yield replace(_post(f"{base}/partial", (), one, _JSON), method="PUT")
            yield _post(f"{base}/back", (), one, _JSON)
            form = f"text={first}&number=x" if second == bad else f"text={first}"
            yield _post(f"{base}/form", (), form.encode(), _FORM, ("cookie", b"word=x"))
        for number in ("5", "x"):
            for query in _orders(bad, good):
                headers = (HOST, ("x-word", bad.encode()), ("cookie", f"word={good}".encode()))
                yield Request("GET", f"{base}/order/{number}", query, headers)
                yield Request("GET", f"{base}/order-plain/{number}", query[-1:], headers)
        yield Request("GET", f"{base}/model", (f"word={bad}", "number=x"), (HOST,))
        yield Request("GET", f"{base}/model", (f"word={bad}", "own=y"), (HOST,))


def _orders(bad: str, good: str) -> Iterator[tuple[str, ...]]:
    names = ("before", "around", "word")
    for wrong in (*names, "all", "none"):
        yield tuple(f"{name}={bad if wrong in (name, 'all') else good}" for name in names)


def _post(
    path: str, query: tuple[str, ...], body: bytes, *headers: tuple[str, bytes], leaves: str = ""
) -> Request:
    return Request("POST", path, query or None, (HOST, *headers), body, leaves=leaves)


#: Ranges of a file, with what they depend on.
_RANGES: tuple[tuple[tuple[str, bytes], ...], ...] = (
    (("range", b"bytes=0-0"),),
    (("range", b"bytes=5-"),),
    (("range", b"bytes=-7"),),
    (("range", b"bytes=0-3,10-12"),),
    (("range", b"bytes=0-3,2-9"),),
    (("range", b"bytes=3-1"),),
    (("range", b"bytes=999999-"),),
    (("range", b"bytes="),),
    (("range", b"bytes=a-b"),),
    (("range", b"items=0-1"),),
    (("range", b"bytes=0-3"), ("if-range", b'"own"')),
    (("range", b"bytes=0-3"), ("if-range", b'"other"')),
    (("range", b"bytes=0-3"), ("if-range", b"Wed, 21 Oct 2015 07:28:00 GMT")),
    (("if-none-match", b'"own"'),),
    (("if-modified-since", b"Wed, 21 Oct 2099 07:28:00 GMT"),),
)


_ONE_RANGE = tuple(each for each in _RANGES if b"," not in each[0][1])
#: False if Starlette announces a wrong length for several ranges: the servers cut such an answer
#: at different places, and uvicorn runs no task after it.
_KNOWS_LENGTHS = tuple(map(int, starlette.__version__.split(".")[:2])) >= (0, 49)


def _ranges(targets: list[Target]) -> Iterator[Request]:
    """Each file with each range."""
    files = (f"{PREFIX}/written/file/", f"{PREFIX}/answers/late/file")
    for target in targets:
        if target.path.startswith(files):
            for method in target.methods:
                plain = fitting(target, method).request()
                for headers in _RANGES if _KNOWS_LENGTHS else _ONE_RANGE:
                    yield replace(plain, headers=(*plain.headers, *headers))


#: Routes that take JSON of many kinds, and what they take.
_TAKING = {
    "bodies/model": {"item": "té", "count": 2},
    "bodies/any": ["é", 1.5, None],
    "bodies/dict": {"é": {"a": 1}},
    "bodies/json": {"a": "\U0001f600"},
    "handed/after/json": {"name": "é"},
    "shapes/everything": {"color": "red", "price": "1.25", "raw": "é"},
    "shapes/dataclass": {"x": 1, "tags": ["é"]},
    "shapes/embedded-int": {"v": 1},
}
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le",
              "utf-32-be", "latin-1", "cp1252")  # fmt: skip


def _encoded() -> Iterator[Request]:
    """JSON in each encoding, in each type, and broken in each way."""
    for path, value in _TAKING.items():
        url = f"{PREFIX}/{path}"
        text = json.dumps(value, ensure_ascii=False)
        for encoding in _ENCODINGS:
            kind = ("content-type", f"application/json; charset={encoding}".encode())
            for header in (_JSON, kind):
                yield _post(url, (), text.encode(encoding, "replace"), header)
        for typed in CONTENT_TYPES:
            headers = [] if typed is None else [("content-type", typed)]
            yield _post(url, (), text.encode(), *headers)
        for body in BODIES:
            yield _post(url, (), body, _JSON)


def _read(targets: list[Target]) -> Iterator[Case]:
    """Bodies that a dependency or the handler reads beside FastAPI."""
    bodies = (
        (b'{"name": "tea"}', _JSON),
        (b'{"name": 1}', _JSON),
        (b"{", _JSON),
        (b"name=tea&count=2", _FORM),
        (b"", _JSON),
    )
    for target in targets:
        if target.path.startswith((f"{PREFIX}/handed/read/", f"{PREFIX}/handed/after")):
            for body, kind in bodies:
                plain = fitting(target, "POST").request()
                yield (replace(plain, body=body, headers=(HOST, kind)),)
    for how in ("raw", "json", "pieces", "form"):
        for path in ("after", "after-form"):
            for body, kind in bodies:
                yield (_post(f"{PREFIX}/handed/{path}/{how}", (), body, kind),)


def _left(targets: list[Target]) -> Iterator[Case]:
    """Clients that leave."""
    served = {target.path for target in targets}
    paths = (f"{TRACED}cut/{name}" for name in ("late", "plain", "function", "lines", "events"))
    for path in filter(served.__contains__, paths):
        for wait, leaves in (("true", "answer"), ("false", "")):
            yield (Request("GET", path, (f"wait={wait}",), leaves=leaves),)
    for wait, leaves in (("true", "request"), ("false", "")):
        yield (Request("GET", f"{TRACED}cut/handler", (f"wait={wait}",), leaves=leaves),)
    item = json.dumps({"name": "x" * 5000}).encode()
    upload = multipart([("data", 'filename="a.txt"', b"x" * 5000)])
    for leaves in ("body", ""):
        for name in ("read", "read-needed", "model"):
            yield (_post(f"{TRACED}cut/{name}", (), item, _JSON, leaves=leaves),)
        yield (_post(f"{TRACED}cut/upload", (), upload, _MULTIPART, leaves=leaves),)


def multipart(parts: list[tuple[str, str, bytes]]) -> bytes:
    """Returns a form of parts: name, further parameters, content."""
    made = b""
    for name, more, content in parts:
        disposition = f'Content-Disposition: form-data; name="{name}"' + (more and f"; {more}")
        made += f"--{BOUNDARY}\r\n{disposition}\r\n\r\n".encode() + content + b"\r\n"
    return made + f"--{BOUNDARY}--\r\n".encode()


def _uploads() -> Iterator[Case]:
    """Files that are empty, several, large, or too many."""
    big = bytes(range(256)) * 4800
    forms = [
        [("data", 'filename="big.bin"', big)],
        [("data", 'filename="edge.bin"', big[: 1 << 20])],
        [("data", 'filename="over.bin"', big[: (1 << 20) + 1])],
        [("data", 'filename="empty.bin"', b"")],
        [("data", 'filename="a"', b"a"), ("data", 'filename="b"', b"b")],
        [("data", "", b"no file"), ("data", 'filename="b"', b"b")],
        [("data", 'filename="b"', b"b"), ("data", "", b"no file")],
        [("data", "", big[: (1 << 20) + 1])],
        [("several", 'filename="a"', b"a"), ("several", 'filename="b"', b""), ("raw", "", b"c")],
        [("data", f'filename="{n}"', b"x") for n in range(1001)],
        [(f"f{n}", "", b"x") for n in range(1001)],
    ]
    for path in ("forms/file", "forms/file-plain", "forms/files", "forms/raw", "forms/bytes"):
        for form in forms:
            yield (_post(f"{PREFIX}/{path}", (), multipart(form), _MULTIPART),)
    for form in forms:
        yield (_post(f"{PREFIX}/handed/after-upload", (), multipart(form), _MULTIPART),)


def _overrides() -> Case:
    """Dependencies that are replaced while requests run; nothing else asks these routes."""
    asked = Request("GET", f"{PREFIX}/handed/overridden/x")
    made = [asked]
    for how in ("late", "yield", "none"):
        made += [Request("GET", f"{PREFIX}/handed/override/{how}"), asked]
        made.append(replace(asked, query=("name=other",)))
    return tuple(made)
