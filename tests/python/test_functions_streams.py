"""The items of generators as answers, and their clean-up."""

import asyncio
import contextvars

import pytest

from skills_daemon._call import current
from skills_daemon.commands import CommandError
from skills_host.functions.response import exit_status
from skills_host.functions.stream import Items


class Call:
    """The call of a shell."""

    traceparent = None
    tracestate = None
    records = False
    emits = True

    def __init__(self):
        self.errors = []
        self.status = None

    @property
    def console(self):
        """One object stands for both."""
        return self

    def output(self, number, text):
        self.errors.append((number, text))
        return True

    def exit(self, status):
        self.status = status


def answered(items, *, accept=b"", leaves_after=None, call=None):
    """Returns the content type and the pieces of an answer; its reader may leave."""

    async def run():
        sent = []

        async def receive():
            raise AssertionError("the body is for the function")

        async def send(message):
            sent.append(message)
            if len(sent) - 1 == leaves_after:
                task.cancel()
            await asyncio.sleep(0)

        answer = Items(items)({"headers": [(b"accept", accept)]}, receive, send)
        task = asyncio.ensure_future(answer)
        try:
            await task
        except asyncio.CancelledError:
            assert leaves_after is not None
        return dict(sent[0]["headers"])[b"content-type"], [each["body"] for each in sent[1:]]

    context = contextvars.copy_context()
    context.run(current.set, call)
    return context.run(asyncio.run, run())


def numbers(notes, to=3):
    try:
        for number in range(to):
            yield {"n": number}
    finally:
        notes.append("closed")


async def texts(notes):
    try:
        yield "a"
        yield "ä"
    finally:
        notes.append("closed")


def test_each_item_is_a_line():
    notes = []
    lines = (b"application/jsonl", [b'{"n":0}\n', b'{"n":1}\n', b""])
    assert answered(numbers(notes, 2)) == lines
    assert answered(texts(notes)) == (
        b"application/jsonl",
        [b'"a"\n', '"ä"\n'.encode(), b""],
    )
    assert notes == ["closed"] * 2


def test_events_are_sent_where_they_are_asked_for():
    events = (b"text/event-stream", [b'data: {"n":0}\n\n', b""])
    assert answered(numbers([], 1), accept=b"text/event-stream") == events


@pytest.mark.parametrize("items", [numbers, texts])
def test_a_generator_is_closed_when_its_reader_leaves(items):
    notes = []
    _, pieces = answered(items(notes), leaves_after=1)
    assert (len(pieces), notes) == (1, ["closed"])


def failing(error):
    yield 1
    raise error


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (CommandError("no", hint="Wait.", exit_status=9), 9, "Error: no\nHint: Wait.\n"),
        (LookupError("lost"), 1, "Error: lost\n"),
        (SystemExit("text"), 1, "Error: text\n"),
        (SystemExit(4), 4, None),
        (SystemExit(), 0, None),
    ],
)
def test_a_shell_is_shown_why_a_stream_ends(error, status, shown):
    call = Call()
    _, pieces = answered(failing(error), call=call)
    assert pieces == [b"1\n", b""]
    assert call.status == status
    assert call.errors == ([(2, shown)] if shown else [])


def test_elsewhere_a_stream_that_fails_is_cut_off():
    with pytest.raises(LookupError):
        answered(failing(LookupError("lost")))


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (SystemExit(), (0, "")),
        (SystemExit(3), (3, "")),
        (SystemExit(-1), (255, "")),
        (SystemExit("why"), (1, "why")),
        (CommandError("no"), (1, "no")),
        (CommandError("no", exit_status=7), (7, "no")),
        (ValueError("bad"), (1, "bad")),
    ],
)
def test_the_exit_status_is_that_of_a_program(error, ended):
    assert exit_status(error) == ended


@pytest.mark.parametrize("status", [0, 256, -1])
def test_a_failure_has_the_exit_status_of_one(status):
    with pytest.raises(ValueError, match="1 to 255"):
        CommandError("no", exit_status=status)
