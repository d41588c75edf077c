"""The ASGI application of plain functions, beside FastAPI's where both have an answer."""

import asyncio
import functools
import json
import threading
from collections.abc import Callable

import pytest
from fastapi import Body, FastAPI

from skills_daemon.commands import CommandError
from skills_daemon.logging import request_id_ctx
from skills_host.functions.application import Application
from skills_host.functions.command import Command
from skills_host.functions.discover import Found


def get_sum(a: int, b: int = 1) -> int:
    return a + b


def add(name: str = "x", size: int = 1):
    return {"name": name, "size": size}


def füge(a: int = 0):
    return a


def application(*functions: Callable[..., object], method: str | None = None) -> Application:
    """One with these commands; a name that begins with `get` makes it GET."""
    commands = []
    for function in functions:
        name = function.__name__
        own = method or ("GET" if name.startswith("get") else "POST")
        commands.append(Command(Found(name.replace("_", "-"), own, function)))
    return Application("p", commands)


@pytest.fixture(scope="module")
def real() -> FastAPI:
    """FastAPI's with the same paths."""

    def add_in_body(name: str = Body("x"), size: int = Body(1)):
        return add(name, size)

    app = FastAPI()
    app.get("/p/get-sum")(get_sum)
    app.post("/p/add")(add_in_body)
    app.post("/p/füge")(füge)
    return app


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/p/get-sum?a=1"),
        ("GET", "/p/get-sum?a=1&b=2"),
        ("GET", "/p/get-sum?a=1&a=2"),
        ("GET", "/p/get-sum?a=1&unknown=2"),
        ("GET", "/p/get%2Dsum?a=%31"),
        ("GET", "/p/get-sum"),
        ("GET", "/p/get-sum?a"),
        ("GET", "/p/get-sum?a=%FF"),
        ("GET", "/p/get-sum?a=1;b=2"),
        ("GET", "/"),
        ("GET", "/p"),
        ("GET", "/p/"),
        ("GET", "/p/nope"),
        ("GET", "/q/get-sum?a=1"),
        ("GET", "/p//get-sum?a=1"),
        ("GET", "/p/get-sum/more?a=1"),
        ("HEAD", "/p/get-sum?a=1"),
        ("POST", "/p/get-sum?a=1"),
        ("GET", "/p/add"),
        ("PUT", "/p/add"),
        ("OPTIONS", "/p/add"),
        ("GET", "/p/get-sum/?a=1&b=%20%26"),
        ("GET", "/p/get-sum//?a=1"),
        ("POST", "/p/get-sum/"),
        ("POST", "/p/f%C3%BCge/"),
        ("POST", "/p/f%C3%BCge"),
    ],
)
def test_status_text_and_headers_are_fastapis(ask, real, method, url):
    mine, theirs = ask(application(get_sum, add, füge), method, url), ask(real, method, url)
    assert (mine.status_code, mine.text) == (theirs.status_code, theirs.text)
    for header in ("allow", "location"):
        assert mine.headers.get(header) == theirs.headers.get(header)
    if theirs.text:
        assert mine.headers["content-type"] == theirs.headers["content-type"]


def test_redirects_name_the_host_that_was_asked(ask):
    options = {"headers": {"host": "localhost:9100"}}
    answer = ask(application(get_sum), "GET", "/p/get-sum/?a=1", **options)
    assert answer.status_code == 307
    assert answer.headers["location"] == "http://localhost:9100/p/get-sum?a=1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"name": "a", "size": 2}',
        b'{"size": 1, "size": 2}',
        b'{"size": 1, "unknown": 2}',
        b'{"size": "x", "name": 1}',
        b'\xef\xbb\xbf{"size": 1}',
        b"{",
        b"   ",
        b'{"size": 1}x',
        b'{"size": }',
    ],
)
def test_bodies_are_read_as_fastapi_reads_them(ask, real, body):
    options = {"content": body, "headers": {"content-type": "application/json"}}
    mine, theirs = [ask(app, "POST", "/p/add", **options) for app in (application(add), real)]
    assert (mine.status_code, mine.json()) == (theirs.status_code, theirs.json())


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"'])
def test_a_body_that_is_no_object_is_reported(ask, body):
    # FastAPI reports each parameter as missing, the optional ones too.
    answer = ask(application(add), "POST", "/p/add", content=body)
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [
            {
                "type": "dict_type",
                "loc": ["body"],
                "msg": "Input should be a valid dictionary",
                "input": json.loads(body),
            }
        ]
    }


@pytest.mark.parametrize("body", [b"\xff", b"[" * 100_000], ids=["no UTF-8", "too deep"])
def test_an_unreadable_body_is_invalid_json(ask, body):
    # A 400 without a reason from FastAPI.
    answer = ask(application(add), "POST", "/p/add", content=body)
    assert answer.status_code == 422
    [problem] = answer.json()["detail"]
    assert (problem["type"], problem["loc"]) == ("json_invalid", ["body", 0])
    assert problem["ctx"]["error"]


def test_a_body_may_come_in_pieces():
    messages = [
        {"type": "http.request", "body": b'{"size"', "more_body": True},
        {"type": "http.request", "body": b": 7}", "more_body": False},
    ]
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/p/add", "method": "POST", "query_string": b"", "headers": []}
    asyncio.run(application(add)(scope, receive, send))
    assert sent[0]["status"] == 200
    assert json.loads(sent[1]["body"]) == {"name": "x", "size": 7}
    assert messages == []


# Calls.


async def get_later(a: int) -> int:
    await asyncio.sleep(0)
    return a


def get_numbers(to: int):
    yield from range(to)


async def get_numbers_later(to: int):
    for number in range(to):
        await asyncio.sleep(0)
        yield number


def wrapped(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def run(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return asyncio.run(function(*args, **kwargs))

    return wrapper


@pytest.mark.parametrize(
    ("function", "query", "expected"),
    [
        (get_sum, "a=1", 2),
        (get_later, "a=1", 1),
        (wrapped(get_later), "a=1", 1),
        # As `click` applications have them.
        (run(get_later), "a=1", 1),
        (functools.cache(get_sum), "a=1", 2),
    ],
)
def test_functions_of_every_kind_are_called(ask, function, query, expected):
    app = application(function)
    answer = ask(app, "GET", f"/p/{function.__name__.replace('_', '-')}?{query}")
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", [1, 2, 3]), ("a=5", [5, 2, 3]), ("b=5", [1, 5, 3]), ("b=5&c=6", [1, 5, 6])],
)
def test_positional_parameters_get_their_own_values(ask, query, expected):
    def get(a: int = 1, b: int = 2, /, c: int = 3):
        return [a, b, c]

    assert ask(application(get), "GET", f"/p/get?{query}").json() == expected


@pytest.mark.parametrize("function", [get_numbers, get_numbers_later])
def test_the_items_of_a_generator_are_lines(ask, function):
    answer = ask(application(function), "GET", f"/p/{function.__name__.replace('_', '-')}?to=3")
    assert (answer.headers["content-type"], answer.text) == ("application/jsonl", "0\n1\n2\n")


@pytest.mark.parametrize("later", [False, True])
def test_generators_get_their_positional_values(ask, later):
    def get(a: int, b: int = 2, /):
        yield from (a, b)

    async def get_later(a: int, b: int = 2, /):
        yield a
        yield b

    function, name = (get_later, "get-later") if later else (get, "get")
    assert ask(application(function), "GET", f"/p/{name}?a=5").text == "5\n2\n"


def test_a_positional_parameter_that_is_left_out_keeps_its_place(ask):
    nothing = object()

    def get(a: threading.Thread = nothing, b: int = 2, /):
        return [a is nothing, b]

    assert ask(application(get), "GET", "/p/get?b=5").json() == [True, 5]


def test_a_default_is_the_functions_own(ask):
    def get(many: list[int] = [], *, found: dict = {}):  # noqa: B006
        many.append(len(many))
        return many

    # As in Python; FastAPI copies it for each request.
    app = application(get)
    assert [ask(app, "GET", "/p/get").json() for _ in range(2)] == [[0], [0, 1]]
    assert ask(app, "GET", "/p/get?many=7").json() == [7, 1]


def test_only_functions_that_may_block_run_on_another_thread(ask):
    def get_thread() -> bool:
        return threading.current_thread() is threading.main_thread()

    async def get_loop() -> bool:
        return get_thread()

    app = application(get_thread, get_loop)
    assert ask(app, "GET", "/p/get-thread").json() is False
    assert ask(app, "GET", "/p/get-loop").json() is True


def test_the_context_of_a_request_reaches_another_thread(ask):
    def get_id():
        return request_id_ctx.get()

    token = request_id_ctx.set("mine")
    try:
        assert ask(application(get_id), "GET", "/p/get-id").json() == "mine"
    finally:
        request_id_ctx.reset(token)


# Failures.


@pytest.mark.parametrize(
    ("error", "status", "expected"),
    [
        (CommandError("No"), 400, {"success": False, "error": "No"}),
        (
            CommandError("No", hint="Yes", status=409),
            409,
            {"success": False, "error": "No", "hint": "Yes"},
        ),
    ],
)
def test_a_command_error_is_answered_with_its_message(ask, error, status, expected):
    def get():
        raise error

    async def get_later():
        raise error

    def get_each():
        if error:
            raise error
        yield 1

    for name in ("get", "get-later", "get-each"):
        answer = ask(application(get, get_later, get_each), "GET", f"/p/{name}")
        assert (answer.status_code, answer.json()) == (status, expected)


class Unwell(CommandError):
    """A refusal of a plugin's own kind."""


def test_subclasses_of_command_error_are_answered_alike(ask):
    def get():
        raise Unwell("ill", status=503)

    assert ask(application(get), "GET", "/p/get").status_code == 503


def test_an_exception_is_answered_and_raised_for_the_log(ask):
    def get():
        raise KeyError("nothing")

    expected = {
        "success": False,
        "error": "'nothing'",
        "hint": "Check daemon logs for details",
    }
    answer = ask(application(get), "GET", "/p/get")
    assert (answer.status_code, answer.json()) == (500, expected)

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/p/get", "method": "GET", "query_string": b"", "headers": []}
    with pytest.raises(KeyError):
        asyncio.run(application(get)(scope, None, send))
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]


def test_a_result_that_json_cannot_hold_is_a_failure(ask):
    def get():
        return object()

    answer = ask(application(get), "GET", "/p/get")
    assert answer.status_code == 500
    assert answer.json()["error"] == "a result of type object cannot be written as JSON"


def test_direct_calls_find_the_answers_to_exceptions():
    # As the daemon's runner looks for them: by type, `Exception` last.
    handlers = application(get_sum).exception_handlers
    for error, status in ((CommandError("No", status=418), 418), (ValueError("x"), 500)):
        handler = next(handlers[kind] for kind in type(error).__mro__ if kind in handlers)
        assert asyncio.run(handler(None, error)).status == status
