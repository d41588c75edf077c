"""State and end of a running daemon, and the lifecycle of a daemon written in Python.

The functions at the top look at the daemon from outside, through its pid file. `LifecycleManager`
is for the process itself: its pid file, signals, idle time and shutdown callbacks.

A pid file can be left behind, half written or wrong, so its content is never trusted: only a
positive number is a process id, since signalling 0 or a negative number reaches a whole process
group, and -1 every process of the user.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from skills_daemon.config import config
from skills_daemon.logging import logger

_POLL_SECONDS = 0.02
# Longer than the plugins' shutdown may take, so that a daemon that works is never killed.
_STOP_SECONDS = config.shutdown_timeout + 1.0
_KILL_SECONDS = 1.0


def read_pid() -> int | None:
    """Returns the process id in the pid file, or None if there is no usable one."""
    try:
        # `int` alone would also take `1_0` and `-1`.
        text = config.pid_file.read_text(encoding="ascii").strip()
        pid = int(text) if text.isdecimal() else 0
    except (OSError, ValueError):
        return None
    return pid if pid > 0 else None


def is_daemon_running() -> bool:
    """Returns whether the pid file names a living process of this user."""
    pid = read_pid()
    return pid is not None and _is_alive(pid)


def stop_daemon(timeout: float = _STOP_SECONDS) -> bool:
    """Stops the daemon: SIGTERM, then SIGKILL if it still lives after the timeout.

    Returns as soon as the process has ended. Called in the daemon itself, it only starts the stop.

    Args:
        timeout: Seconds that the daemon has to end by itself.

    Returns:
        True if a daemon was signalled, False if none runs.
    """
    pid = read_pid()
    if pid is None or not _send(pid, signal.SIGTERM):
        return False
    if pid == os.getpid() or _wait_for_exit(pid, timeout):
        return True
    if _send(pid, signal.SIGKILL):
        _wait_for_exit(pid, _KILL_SECONDS)
    return True


def cleanup_stale_pid() -> None:
    """Removes the pid file if the process that it names does not live.

    A file that names no process at all stays: it may be one that is just being written.
    """
    pid = read_pid()
    if pid is not None and not _is_alive(pid):
        _remove(config.pid_file)


class LifecycleManager:
    """Decides when a daemon written in Python stops, and what it does then.

    Attributes:
        idle_timeout: Seconds without a request after which the daemon stops.
        last_request_time: Time of the last request, in seconds since the epoch.
        shutdown_event: Set when the daemon is to stop.
    """

    def __init__(self, idle_timeout: float = config.idle_timeout) -> None:
        """Starts counting idle time now."""
        self.idle_timeout = idle_timeout
        self.last_request_time = time.time()
        self.shutdown_event = asyncio.Event()
        self._shutdown_callbacks: list[Callable[[], object]] = []

    def touch(self) -> None:
        """Records the arrival of a request."""
        self.last_request_time = time.time()

    def check_idle_timeout(self) -> bool:
        """Returns whether the idle timeout has passed since the last request."""
        return self._seconds_left() < 0

    def on_shutdown(self, callback: Callable[[], object]) -> None:
        """Registers a function or coroutine function to be called at shutdown, in this order."""
        self._shutdown_callbacks.append(callback)

    async def run_shutdown_callbacks(self, timeout: float | None = None) -> None:
        """Calls the registered callbacks in turn; one that fails is logged and the next is called.

        A callback that blocks without awaiting cannot be interrupted.

        Args:
            timeout: Seconds for all callbacks together; `config.shutdown_timeout` if None. Those
                that have not been called by then are left out.
        """
        if timeout is None:
            timeout = config.shutdown_timeout
        try:
            await asyncio.wait_for(self._call_callbacks(), timeout)
        except asyncio.TimeoutError:
            logger.warning(f"Shutdown callbacks took longer than {timeout} s and were given up")

    def write_pid_file(self) -> None:
        """Writes this process's id to the pid file; a failure is logged."""
        pid_file = config.pid_file
        # Written beside and renamed, so that no reader ever sees half a number.
        draft = pid_file.with_name(f"{pid_file.name}.{os.getpid()}")
        try:
            pid_file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(f"{os.getpid()}\n", encoding="ascii")
            draft.replace(pid_file)
        except OSError as error:
            _remove(draft)
            logger.warning(f"Could not write the pid file: {error}", path=str(pid_file))
        else:
            logger.info("PID file written", pid=os.getpid(), path=str(pid_file))

    def remove_pid_file(self) -> None:
        """Removes the pid file, unless it names another living process."""
        pid = read_pid()
        if pid is None or pid == os.getpid() or not _is_alive(pid):
            _remove(config.pid_file)

    def setup_signal_handlers(self) -> None:
        """Makes SIGTERM and SIGINT set `shutdown_event`; has no effect outside the main thread.

        Raises:
            RuntimeError: No event loop is running.
        """
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(signum, partial(self._on_signal, signum))
            except (RuntimeError, NotImplementedError) as error:
                logger.debug(f"No handler for {signum.name}: {error}")

    async def idle_timeout_checker(self) -> None:
        """Sets `shutdown_event` once the idle timeout has passed; ends when the event is set."""
        while not self.shutdown_event.is_set():
            if self.check_idle_timeout():
                logger.info("Idle timeout reached, shutting down", idle_timeout=self.idle_timeout)
                self.shutdown_event.set()
                return
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(
                    self.shutdown_event.wait(), max(self._seconds_left(), _POLL_SECONDS)
                )

    def _seconds_left(self) -> float:
        return self.last_request_time + self.idle_timeout - time.time()

    def _on_signal(self, signum: signal.Signals) -> None:
        logger.info(f"Received {signum.name}, shutting down")
        self.shutdown_event.set()

    async def _call_callbacks(self) -> None:
        for callback in self._shutdown_callbacks:
            try:
                result = callback()
                if inspect.isawaitable(result):
                    await result
            except Exception as error:
                logger.error(f"Shutdown callback failed: {error}", exc_info=True)


def _send(pid: int, signum: int) -> bool:
    """Sends a signal; returns False if there is no such process or it is another user's."""
    try:
        os.kill(pid, signum)
    except (OSError, OverflowError):
        return False
    return True


def _is_alive(pid: int) -> bool:
    """Returns whether a process exists, is this user's, and has not ended."""
    if not _send(pid, 0):
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return True
    # A process that ended stays as a zombie until its parent waits for it. The state follows the
    # name, which is in parentheses and may itself contain some.
    return not stat.rpartition(b")")[2].lstrip().startswith((b"Z", b"X"))


def _wait_for_exit(pid: int, timeout: float) -> bool:
    """Waits at most `timeout` seconds for the end of a process; returns whether it has ended."""
    deadline = time.monotonic() + timeout
    while _is_alive(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
