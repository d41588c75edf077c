"""Threads and pools of plugins: for which call their work runs."""

import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from skills_daemon._call import current
from skills_host import threads


@pytest.fixture
def attributed():
    """Threads are attributed, and the code of the test is that of a plugin."""
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit
    threads.attribute()
    token = threads.version_ctx.set(threads.Version("p"))
    yield
    threads.version_ctx.reset(token)
    threading.Thread.start, ThreadPoolExecutor.submit = start, submit


def in_call(call, work):
    """Runs `work` for a call."""
    context = contextvars.copy_context()
    context.run(current.set, call)
    return context.run(work)


def seen_by_thread():
    """Returns the call that a new thread works for."""
    seen = []
    thread = threading.Thread(target=lambda: seen.append(current.get()))
    thread.start()
    thread.join()
    return seen[0]


def test_a_thread_works_for_the_call_that_started_it(attributed):
    assert in_call("one", seen_by_thread) == "one"
    assert seen_by_thread() is None


def test_a_pool_works_for_the_call_that_submitted_the_work(attributed):
    with ThreadPoolExecutor(1) as pool:
        seen = [in_call(call, lambda: pool.submit(current.get).result()) for call in ("one", "two")]
        assert seen == ["one", "two"]
        # Its thread was started for the first call, and belongs to none.
        assert pool.submit(current.get).result() is None
        assert in_call("three", lambda: list(pool.map(lambda _: current.get(), [0]))) == ["three"]


def test_what_fails_in_a_pool_fails_as_before(attributed):
    with ThreadPoolExecutor(1) as pool:
        failing = in_call("one", lambda: pool.submit(lambda: 1 / 0))
        with pytest.raises(ZeroDivisionError):
            failing.result()
        named = in_call("one", lambda: pool.submit(dict, a=1))
        assert named.result() == {"a": 1}
