"""Stopping a daemon, its pid file, and its idle time, with real processes and signals."""

import asyncio
import functools
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from skills_daemon import lifecycle
from skills_daemon.config import DaemonConfig
from skills_daemon.lifecycle import (
    LifecycleManager,
    cleanup_stale_pid,
    is_daemon_running,
    read_pid,
    stop_daemon,
)

# Ends a test that would otherwise hang; nothing is expected to take nearly as long.
HANG = 30
IGNORES_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""
GARBAGE = ["", "\n", "garbage", "12 34", "1_0", "+5", "0x10", "1.5", "٣", "9" * 5000, "1\n2\n"]
DANGEROUS = ["0", "-1", "-12345"]


@pytest.fixture
def pid_file(tmp_path, monkeypatch):
    """The pid file of a runtime directory of its own."""
    config = DaemonConfig(runtime_dir=tmp_path / "runtime", shutdown_timeout=HANG)
    monkeypatch.setattr(lifecycle, "config", config)
    config.ensure_dirs()
    return config.pid_file


@pytest.fixture
def spawn():
    """Starts processes that play the daemon, and ends what the test left of them."""
    processes = []

    def start(*command: str) -> subprocess.Popen:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def ended_pid():
    """The id of a process that has ended and was waited for."""
    process = subprocess.Popen(["true"])
    process.wait(HANG)
    return process.pid


@pytest.mark.parametrize("text", ["4711", "4711\n", "  4711\n\n"])
def test_the_pid_is_read(pid_file, text):
    pid_file.write_text(text)
    assert read_pid() == 4711


@pytest.mark.parametrize("text", [*GARBAGE, *DANGEROUS], ids=lambda text: repr(text)[:12])
def test_what_is_no_process_id_is_never_signalled(pid_file, monkeypatch, text):
    signalled = []
    monkeypatch.setattr(os, "kill", lambda *args: signalled.append(args))
    pid_file.write_text(text, encoding="utf-8")
    assert read_pid() is None
    assert is_daemon_running() is False
    assert stop_daemon() is False
    cleanup_stale_pid()
    assert signalled == []
    assert pid_file.read_text(encoding="utf-8") == text


def test_binary_garbage_is_no_process_id(pid_file):
    pid_file.write_bytes(b"\xff\xfe\x00")
    assert read_pid() is None


def test_a_pid_that_the_system_cannot_hold_names_no_process(pid_file):
    pid_file.write_text("9" * 30)
    assert is_daemon_running() is False
    assert stop_daemon() is False


def test_without_a_pid_file_nothing_runs(pid_file):
    assert read_pid() is None
    assert is_daemon_running() is False
    assert stop_daemon() is False
    cleanup_stale_pid()
    assert not pid_file.exists()


def test_a_directory_in_place_of_the_pid_file_names_no_process(pid_file):
    pid_file.mkdir()
    assert read_pid() is None


def test_a_living_process_runs_and_keeps_its_pid_file(pid_file, spawn):
    pid_file.write_text(f"{spawn('sleep', '600').pid}\n")
    assert is_daemon_running() is True
    cleanup_stale_pid()
    assert pid_file.exists()


def test_an_ended_process_does_not_run_and_loses_its_pid_file(pid_file, ended_pid):
    pid_file.write_text(f"{ended_pid}\n")
    assert is_daemon_running() is False
    assert stop_daemon() is False
    cleanup_stale_pid()
    assert not pid_file.exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="zombies are seen in /proc")
def test_a_zombie_does_not_run(pid_file, spawn):
    process = spawn("true")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    pid_file.write_text(f"{process.pid}\n")
    assert is_daemon_running() is False


def test_stop_ends_a_process_by_sigterm(pid_file, spawn):
    process = spawn("sleep", "600")
    pid_file.write_text(f"{process.pid}\n")
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    assert stop_daemon() is True
    reaper.join(HANG)
    assert process.returncode == -signal.SIGTERM


def test_stop_kills_a_process_that_ignores_sigterm(pid_file, spawn):
    process = spawn(sys.executable, "-c", IGNORES_SIGTERM)
    assert process.stdout.readline() == "ready\n"
    pid_file.write_text(f"{process.pid}\n")
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    assert stop_daemon(timeout=0.1) is True
    reaper.join(HANG)
    assert process.returncode == -signal.SIGKILL


def test_stop_in_the_daemon_itself_only_starts_the_stop(pid_file):
    async def main():
        manager = LifecycleManager()
        manager.setup_signal_handlers()
        manager.write_pid_file()
        # Waiting here for the own end would be in vain, and SIGKILL would follow.
        assert stop_daemon() is True
        await asyncio.wait_for(manager.shutdown_event.wait(), HANG)

    asyncio.run(main())


def test_the_pid_file_holds_the_pid_and_a_newline(pid_file):
    pid_file.parent.rmdir()
    LifecycleManager().write_pid_file()
    assert pid_file.read_text() == f"{os.getpid()}\n"
    assert list(pid_file.parent.iterdir()) == [pid_file]
    assert is_daemon_running() is True


def test_a_pid_file_that_cannot_be_written_is_reported(pid_file, caplog):
    pid_file.parent.rmdir()
    pid_file.parent.write_text("in the way")
    LifecycleManager().write_pid_file()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.records[0].context == {"path": str(pid_file)}


def test_the_own_pid_file_is_removed(pid_file):
    manager = LifecycleManager()
    manager.write_pid_file()
    manager.remove_pid_file()
    assert not pid_file.exists()
    manager.remove_pid_file()


def test_a_useless_pid_file_is_removed(pid_file, ended_pid):
    for text in ("garbage", str(ended_pid)):
        pid_file.write_text(text)
        LifecycleManager().remove_pid_file()
        assert not pid_file.exists()


def test_the_pid_file_of_another_daemon_stays(pid_file, spawn):
    pid_file.write_text(f"{spawn('sleep', '600').pid}\n")
    LifecycleManager().remove_pid_file()
    assert pid_file.exists()


def test_idle_time_counts_from_the_last_request():
    manager = LifecycleManager(idle_timeout=3600)
    assert manager.check_idle_timeout() is False
    manager.last_request_time -= 3601
    assert manager.check_idle_timeout() is True
    manager.touch()
    assert manager.check_idle_timeout() is False


def test_the_idle_timeout_comes_from_the_configuration():
    assert LifecycleManager().idle_timeout == lifecycle.config.idle_timeout


def test_the_checker_stops_an_idle_daemon():
    async def main():
        manager = LifecycleManager(idle_timeout=0.05)
        await asyncio.wait_for(manager.idle_timeout_checker(), HANG)
        assert manager.shutdown_event.is_set()
        assert manager.check_idle_timeout() is True

    asyncio.run(main())


def test_the_checker_ends_with_the_daemon():
    async def main():
        manager = LifecycleManager(idle_timeout=3600)
        checker = asyncio.create_task(manager.idle_timeout_checker())
        await asyncio.sleep(0)  # lets the checker start to wait
        assert not checker.done()
        manager.shutdown_event.set()
        await asyncio.wait_for(checker, HANG)
        assert manager.check_idle_timeout() is False

    asyncio.run(main())


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signals_ask_for_shutdown(signum):
    async def main():
        manager = LifecycleManager()
        assert not manager.shutdown_event.is_set()
        manager.setup_signal_handlers()
        os.kill(os.getpid(), signum)
        await asyncio.wait_for(manager.shutdown_event.wait(), HANG)

    asyncio.run(main())


def test_signal_handlers_are_left_out_in_other_threads(caplog):
    caplog.set_level(logging.DEBUG)

    async def main():
        LifecycleManager().setup_signal_handlers()

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    thread.join(HANG)
    events = [record.event.split(":")[0] for record in caplog.records if hasattr(record, "event")]
    assert events == ["No handler for SIGTERM", "No handler for SIGINT"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_signal_handlers_need_a_running_loop():
    with pytest.raises(RuntimeError, match="no running event loop"):
        LifecycleManager().setup_signal_handlers()


def test_shutdown_callbacks_run_in_order_and_survive_each_other(caplog):
    calls = []

    async def asynchronous(name):
        await asyncio.sleep(0)
        calls.append(name)

    def failing():
        calls.append("failing")
        raise LookupError("gone")

    manager = LifecycleManager()
    manager.on_shutdown(lambda: calls.append("plain"))
    manager.on_shutdown(failing)
    manager.on_shutdown(functools.partial(asynchronous, "partial"))
    manager.on_shutdown(lambda: asynchronous("lambda"))
    asyncio.run(manager.run_shutdown_callbacks())
    assert calls == ["plain", "failing", "partial", "lambda"]
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert "gone" in record.getMessage()
    assert record.exc_info[0] is LookupError


def test_shutdown_callbacks_are_given_up_at_the_timeout(caplog):
    calls = []

    async def endless():
        calls.append("endless")
        await asyncio.Event().wait()

    async def main():
        manager = LifecycleManager()
        manager.on_shutdown(endless)
        manager.on_shutdown(lambda: calls.append("never"))
        await asyncio.wait_for(manager.run_shutdown_callbacks(timeout=0.05), HANG)

    asyncio.run(main())
    assert calls == ["endless"]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_the_shutdown_timeout_comes_from_the_configuration(monkeypatch, caplog):
    monkeypatch.setattr(lifecycle, "config", DaemonConfig(shutdown_timeout=0))
    manager = LifecycleManager()
    manager.on_shutdown(asyncio.Event().wait)
    asyncio.run(asyncio.wait_for(manager.run_shutdown_callbacks(), HANG))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
