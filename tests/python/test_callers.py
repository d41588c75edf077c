"""Who calls: the shell or request behind a call, and outside the daemon this process."""

import asyncio
import contextvars
import json
import sys
from pathlib import Path

import pytest

from skills_daemon import caller
from skills_daemon._call import current
from skills_daemon.callers import Terminals

SHELL = {
    "directory": "/home/ada",
    "terminals": {"stdin": True, "stdout": False, "stderr": True},
    "columns": 90,
    "rows": 30,
    "colors": {"stdout": True, "stderr": False},
    "language": "de_DE.UTF-8",
    "env": {"JIRA_URL": "x"},
}


class Call:
    """A call as the host has it."""

    traceparent = None
    tracestate = None
    records = False

    def __init__(self, known=None, headers=None):
        self.caller = None if known is None else json.dumps(known)
        self.cancelled = False
        self.ended = False
        self._headers = headers or {}

    def header(self, name):
        return self._headers.get(name)


def of(call):
    """Returns the caller of `call`."""
    context = contextvars.copy_context()
    context.run(current.set, call)
    return context.run(caller)


def test_a_shell_is_described_by_what_it_sent():
    call = Call(SHELL)
    found = of(call)
    assert (found.is_shell, found.directory) == (True, Path("/home/ada"))
    assert (found.columns, found.rows) == (90, 30)
    assert found.terminals == Terminals(stdin=True, stdout=False, stderr=True)
    assert (found.colors, found.language, found.time_zone) == (True, "de_DE.UTF-8", None)
    assert dict(found.env) == {"JIRA_URL": "x"}
    with pytest.raises(TypeError):
        found.env["X"] = "y"
    assert not found.cancelled
    call.cancelled = True
    assert found.cancelled


def test_a_call_that_has_ended_describes_nothing():
    call = Call(SHELL)
    call.ended = True
    assert not of(call).is_shell
    assert of(call).directory is None


def test_a_state_of_another_trace_is_left_out():
    traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for call in (Call({**SHELL, "tracestate": "a=1"}), Call(headers={"tracestate": "a=1"})):
        assert of(call).tracestate == "a=1"
        call.traceparent = traced
        assert (of(call).traceparent, of(call).tracestate) == (traced, None)
        call.tracestate = "b=2"
        assert of(call).tracestate == "b=2"


def test_a_request_is_described_by_its_headers():
    headers = {"accept-language": "fr-CH, fr;q=0.9", "traceparent": "00-1-2-01"}
    found = of(Call(headers=headers))
    assert (found.is_shell, found.directory, found.language) == (False, None, "fr-CH")
    assert found.traceparent == "00-1-2-01"
    assert of(Call()).language is None
    assert of(Call(headers={"accept-language": "*"})).language is None


def test_outside_of_the_daemon_this_process_calls(clean_env, tmp_path):
    # A module of that name is a part of other tests.
    clean_env.delitem(sys.modules, "_skills_host", raising=False)
    clean_env.chdir(tmp_path)
    clean_env.setenv("LANG", "fr_FR.UTF-8")
    clean_env.delenv("LC_ALL", raising=False)
    clean_env.delenv("LC_MESSAGES", raising=False)
    found = caller()
    assert (found.is_shell, found.directory) == (True, tmp_path)
    assert found.language == "fr_FR.UTF-8"
    assert found.env["LANG"] == "fr_FR.UTF-8"
    assert not found.cancelled


def test_tasks_and_threads_have_the_caller_of_their_call_and_no_other():
    async def ask():
        in_thread = await asyncio.to_thread(lambda: caller().columns)
        in_task = await asyncio.create_task(asyncio.sleep(0, caller().columns))
        return caller().columns, in_thread, in_task

    async def main():
        def start(columns):
            context = contextvars.copy_context()
            context.run(current.set, Call({**SHELL, "columns": columns}))
            return context.run(asyncio.ensure_future, ask())

        return await asyncio.gather(*(start(columns) for columns in range(50)))

    assert asyncio.run(main()) == [(columns,) * 3 for columns in range(50)]
