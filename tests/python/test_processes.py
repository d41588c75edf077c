"""Programs that commands run: where they run, what they write, and when they end."""

import asyncio
import subprocess
import sys
import threading

import pytest

from skills_daemon import processes, run
from skills_daemon._call import current


class Call:
    """A call that can be cancelled."""

    traceparent = None
    tracestate = None
    records = False
    caller = (
        '{"directory": "/", "terminals": {}, "columns": 0, "rows": 0, "colors": {"stdout": false}}'
    )

    ended = False

    def __init__(self):
        self._ended = threading.Event()
        self.cancelled = False

    def ending(self):
        return self

    def wait(self):
        self._ended.wait()
        return self.cancelled

    def stop(self):
        self._ended.set()

    def cancel(self):
        self.cancelled = True
        self._ended.set()


@pytest.fixture
def call():
    """The call whose code runs."""
    made = Call()
    token = current.set(made)
    yield made
    current.reset(token)


def test_output_is_returned_or_written(call, capfd):
    done = run(["sh", "-c", "pwd; echo é >&2"], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "/\n", "é\n")
    assert run(["echo", "one"]).stdout == ""
    run(["cat"], input="two\n")
    run(["cat"], input=b"three\n")
    assert capfd.readouterr().out == "one\ntwo\nthree\n"


def test_input_that_is_not_read_is_no_error(call):
    assert run(["true"], input="x" * 1_000_000).returncode == 0


def test_a_stream_without_bytes_gets_text(call, monkeypatch):
    written = []
    stream = type("Text", (), {"write": lambda self, text: written.append(text)})()
    monkeypatch.setattr(sys, "stdout", stream)
    run(["printf", "é"])
    assert written == ["é"]


def test_what_goes_wrong_is_an_exception(call):
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(["sh", "-c", "echo why >&2; exit 3"], capture_output=True)
    assert (caught.value.returncode, caught.value.stderr) == (3, "why\n")
    assert run(["false"], check=False).returncode == 1
    with pytest.raises(FileNotFoundError):
        run(["no-such-program"])
    with pytest.raises(subprocess.TimeoutExpired):
        run(["sleep", "600"], timeout=0.05)


def test_a_program_that_ignores_the_first_signal_gets_the_second(call, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE", 0.05)
    script = "trap '' TERM; echo ready; while :; do sleep 0.01; done"
    ready = threading.Event()

    class Stream:
        def write(self, text):
            ready.set()

    monkeypatch.setattr(sys, "stdout", Stream())
    threading.Thread(target=lambda: ready.wait() and call.cancel()).start()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", script])


def test_a_loop_is_never_blocked(call):
    async def both():
        with pytest.raises(RuntimeError, match=r"to_thread\(run"):
            run(["true"])
        return await asyncio.to_thread(run, ["true"])

    assert asyncio.run(both()).returncode == 0


def test_outside_a_call_it_is_a_program_like_any_other():
    assert run(["pwd"], cwd="/", env={}, capture_output=True).stdout == "/\n"
