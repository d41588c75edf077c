"""Progress of commands: what a call is given to show."""

import asyncio
import contextvars

import pytest

from skills_daemon import progress
from skills_daemon._call import current


class Call:
    """A call that keeps what it shows."""

    def __init__(self):
        self.shown = []

    @property
    def console(self):
        """One object stands for both."""
        return self

    def progress(self, task, description, done, total, is_complete):
        self.shown.append((description, done, total, is_complete))
        self.tasks = getattr(self, "tasks", set()) | {task}


@pytest.fixture
def call():
    """The call whose code runs."""
    made = Call()
    token = current.set(made)
    yield made
    current.reset(token)


def test_an_iterable_advances_with_each_item_and_is_complete_at_its_end(call):
    assert list(progress([1, 2, 3], "Reading")) == [1, 2, 3]
    assert call.shown[0] == ("Reading", 0, 3, False)
    assert call.shown[-1] == ("Reading", 3, 3, True)


def test_one_that_is_left_is_complete_too(call):
    for _ in progress(range(10)):
        break
    assert call.shown[-1] == ("", 0, 0, True)


def test_the_size_may_be_given_or_unknown(call):
    list(progress(iter("ab"), total=2))
    assert call.shown[0] == ("", 0, 2, False)
    with progress(description="Waiting") as task:
        task.advance(5)
    assert ("Waiting", 0, None, False) in call.shown
    assert call.shown[-1] == ("Waiting", 5, 5, True)


def test_a_task_is_advanced_by_hand_and_several_are_distinct(call):
    with progress(100, "Copying") as one, progress(5, "Checking") as other:
        one.advance(40)
        other.describe("Comparing")
    assert ("Comparing", 0, 5, False) in call.shown
    assert len(call.tasks) == 2


def test_an_asynchronous_iterable(call):
    async def items():
        yield "a"
        yield "b"

    async def run():
        return [item async for item in progress(items(), total=2)]

    assert asyncio.run(run()) == ["a", "b"]
    assert call.shown[-1] == ("", 2, 2, True)


def test_reports_are_no_more_than_can_be_drawn(call):
    list(progress(range(100_000)))
    assert len(call.shown) < 1000


def test_where_no_call_runs_nothing_is_shown():
    context = contextvars.Context()
    assert context.run(lambda: list(progress([1, 2]))) == [1, 2]
    with pytest.raises(TypeError, match="iterable"):
        list(progress(3))
