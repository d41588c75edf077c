"""Background tasks: the host's supervisor on a loop with a clock of its own, and the SDK alone."""

import asyncio
import contextvars
import json
import selectors

import pytest

import skills_daemon
from skills_host.background import TASKS_MAX, Supervisor, delay


class Clock(selectors.SelectSelector):
    """A selector that does not wait: the time it should have waited has passed at once."""

    now = 0.0

    def select(self, timeout=None):
        if timeout:
            self.now += timeout
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.clock = Clock()
        super().__init__(self.clock)

    def time(self):
        return self.clock.now


class Shown:
    """A supervisor on a loop of its own, and what it shows."""

    def __init__(self):
        self.loop = Loop()
        self.tasks = []
        self.supervisor = Supervisor(self.show, clock=self.loop.time, jitter=lambda: 0.0)

    def show(self, text):
        self.tasks = json.loads(text)

    def run(self, main):
        async def attached():
            self.supervisor.attach()
            return await main()

        try:
            return self.loop.run_until_complete(attached())
        finally:
            self.loop.close()

    def start(self, work, restart=True, keeps_awake=False):
        return self.supervisor.start(work, name=None, restart=restart, keeps_awake=keeps_awake)


@pytest.fixture
def shown():
    return Shown()


async def rounds():
    """Lets everything happen that waits for no time."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("failures", "jitter", "seconds"),
    [(1, 0, 1), (2, 0, 2), (6, 0, 32), (7, 0, 60), (10_000, 0, 60), (2, 1, 1.8), (7, 1, 54)],
)
def test_delays_double_up_to_a_minute(failures, jitter, seconds):
    assert delay(failures, jitter) == pytest.approx(seconds)


def test_a_task_that_fails_is_restarted_later_and_later(shown, caplog):
    begun = []

    async def poll():
        begun.append(shown.loop.time())
        raise OSError("no route")

    async def main():
        shown.start(poll)
        await asyncio.sleep(10)
        return shown.tasks

    [task] = shown.run(main)
    assert begun == [0, 1, 3, 7]
    assert (task["name"], task["state"], task["failures"]) == ("poll", "waiting", 4)
    assert (task["error"], task["since"], task["retry_at"]) == ("OSError: no route", 7, 15)
    assert "restart in 8.0 s" in caplog.text and "in poll" in caplog.text


def test_a_task_that_ran_for_a_minute_starts_with_the_first_delay_again(shown):
    begun = []

    async def poll():
        begun.append(shown.loop.time())
        if len(begun) == 4:
            await asyncio.sleep(60)
        raise OSError

    async def main():
        shown.start(poll)
        await asyncio.sleep(70)
        return shown.tasks

    [task] = shown.run(main)
    # The fourth run, from 7 to 67, is followed by a delay of 1 s.
    assert begun == [0, 1, 3, 7, 68, 70] or begun == [0, 1, 3, 7, 68]
    assert task["failures"] < 3


def test_a_task_that_returns_has_ended(shown):
    async def main():
        async def work():
            pass

        shown.start(work)
        await rounds()
        return shown.tasks

    assert shown.run(main) == []


def test_a_coroutine_and_a_task_without_restart_run_once(shown, caplog):
    begun = []

    async def work(name):
        begun.append(name)
        raise ValueError(name)

    async def main():
        shown.start(work("coroutine"))
        shown.start(lambda: work("function"), restart=False, keeps_awake=True)
        shown.start(lambda: 1, restart=False)
        await asyncio.sleep(1000)
        return shown.tasks

    tasks = shown.run(main)
    assert begun == ["coroutine", "function"]
    assert [task["state"] for task in tasks] == ["failed"] * 3
    assert tasks[0]["error"] == "ValueError: coroutine"
    assert tasks[1]["keeps_awake"] and "TypeError" in tasks[2]["error"]
    assert "background task work failed" in caplog.text


def test_sys_exit_in_a_task_ends_that_task_alone(shown):
    async def main():
        async def leaves():
            raise SystemExit(3)

        shown.start(leaves, restart=False)
        await rounds()
        return shown.tasks

    assert shown.run(main)[0]["error"] == "SystemExit: 3"


def test_a_cancelled_task_ends_whether_it_runs_or_waits(shown):
    notes = []

    async def runs():
        try:
            await asyncio.Event().wait()
        finally:
            notes.append("finally")

    async def fails():
        raise OSError

    async def main():
        tasks = [shown.start(runs), shown.start(fails)]
        await rounds()
        assert len(shown.tasks) == 2
        for task in tasks:
            task.cancel()
            task.cancel()
        await rounds()
        return shown.tasks

    assert shown.run(main) == []
    assert notes == ["finally"]


def test_the_end_waits_for_finally_blocks_and_names_what_does_not_end(shown, caplog):
    notes = []

    async def cleans():
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)
            notes.append("cleaned")

    async def resists():
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(100)
                return

    async def fails_at_the_end():
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("too late")

    async def main():
        for work in (cleans, resists, fails_at_the_end):
            shown.start(work)
        await rounds()
        await shown.supervisor.end(5)
        assert (notes, shown.loop.time()) == (["cleaned"], 5)
        with pytest.raises(RuntimeError, match="the plugin is ending"):
            shown.start(cleans)
        await asyncio.sleep(200)

    shown.run(main)
    assert "background task resists did not end in 5 s" in caplog.text
    assert "too late" in caplog.text


def test_tasks_started_at_import_begin_when_they_may_and_in_the_context_of_the_plugin(shown):
    variable = contextvars.ContextVar("variable", default="request")
    notes = []

    async def work(name):
        notes.append((name, variable.get()))

    shown.start(lambda: work("early"))
    cancelled = shown.start(work("cancelled"))
    cancelled.cancel()

    async def main():
        variable.set("plugin")
        shown.supervisor.attach()
        await rounds()
        variable.set("request")
        shown.start(lambda: work("late"))
        await rounds()
        assert notes == [("late", "plugin")]
        shown.supervisor.begin()
        await rounds()

    shown.run(main)
    assert notes == [("late", "plugin"), ("early", "plugin")]


def test_tasks_of_a_plugin_that_did_not_load_never_begin(shown, recwarn):
    async def work():
        raise AssertionError("it began")

    shown.start(work())
    shown.supervisor.close()
    with pytest.raises(RuntimeError, match="the plugin is ending"):
        shown.start(work())
    assert not recwarn.list


def test_the_number_of_tasks_is_bounded(shown):
    async def main():
        async def waits():
            await asyncio.Event().wait()

        async def fails():
            raise OSError

        shown.start(fails, restart=False)
        await rounds()
        for _ in range(TASKS_MAX):
            shown.start(waits)
        with pytest.raises(RuntimeError, match="has 256 tasks already"):
            shown.start(waits)
        await rounds()
        await shown.supervisor.end(1)

    shown.run(main)


def test_what_is_no_work_is_refused(shown):
    with pytest.raises(TypeError, match="neither a coroutine function nor a coroutine"):
        shown.start(3)


def test_outside_the_daemon_a_task_runs_on_the_running_loop():
    notes = []

    async def work():
        notes.append("begun")
        await asyncio.Event().wait()

    async def main():
        task = skills_daemon.background(work)
        await rounds()
        task.cancel()
        await rounds()
        return task.name, len(asyncio.all_tasks())

    assert asyncio.run(main()) == ("work", 1)
    assert notes == ["begun"]
    with pytest.raises(RuntimeError, match="no running event loop"):
        skills_daemon.background(work)
