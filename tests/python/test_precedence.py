"""Tests of the order of loads and of clean-up after the end of versions."""

import threading
import time

import pytest

from skills_host import precedence


@pytest.fixture
def load():
    """A load on another thread; called to end it."""
    begun, ends = threading.Event(), threading.Event()

    def run() -> None:
        with precedence.loading():
            begun.set()
            ends.wait(10)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(10)

    def end() -> None:
        ends.set()
        thread.join(10)

    yield end
    end()


def test_a_clean_up_waits_for_a_load(load, monkeypatch):
    monkeypatch.setattr(precedence, "_WAIT_MAX", 10)

    def end_once_it_waits() -> None:
        deadline = time.monotonic() + 10
        while not precedence._condition._waiters and time.monotonic() < deadline:
            time.sleep(0.001)
        load()

    thread = threading.Thread(target=end_once_it_waits)
    thread.start()
    precedence.Yielding().to_loads()
    assert not precedence._loading
    thread.join(10)


def test_a_clean_up_does_not_wait_for_ever(load, monkeypatch):
    monkeypatch.setattr(precedence, "_WAIT_MAX", 0.01)
    yielding = precedence.Yielding()
    yielding.to_loads()
    assert yielding._left <= 0
    yielding.to_loads()


def test_a_load_that_fails_clears_up_at_once(monkeypatch):
    monkeypatch.setattr(precedence, "_WAIT_MAX", 10)
    yielding = precedence.Yielding()
    with precedence.loading():
        yielding.to_loads()
    assert yielding._left > 9
