"""Programs that a command runs, and that end with it."""

from __future__ import annotations

import contextlib
import contextvars
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from skills_daemon._call import current, may_block
from skills_daemon.callers import caller

if TYPE_CHECKING:
    from skills_daemon._call import Ending
    from skills_daemon.callers import Caller

#: Seconds from SIGTERM to SIGKILL.
_GRACE = 2.0
#: The longest piece of output, in bytes.
_PIECE = 1 << 16


def run(
    arguments: Sequence[str | os.PathLike[str]],
    *,
    input: str | bytes | None = None,
    capture_output: bool = False,
    check: bool = True,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a program where the caller is, and waits for its end.

    What it writes is the command's own output, as it comes. It ends with the call: if that is
    cancelled, the program and those it started get SIGTERM, and 2 seconds later SIGKILL.

    In `async def` functions: `await asyncio.to_thread(run, [...])`.

    Args:
        arguments: The program and its arguments; no shell reads them.
        input: What the program reads from its stdin, which is empty otherwise.
        capture_output: True to return stdout and stderr as text, instead of writing them.
        check: False to return also if the exit status is not 0.
        cwd: Its working directory; the caller's by default.
        env: Its environment; by default the daemon's with the variables of the caller that
            `env` in the plugin's `manifest.json` lists, and in a call of a trace `TRACEPARENT`
            and `TRACESTATE`.
        timeout: Seconds after which it is ended.

    Raises:
        FileNotFoundError: There is no such program.
        subprocess.CalledProcessError: Its exit status is not 0, and `check` is true.
        subprocess.TimeoutExpired: It did not end in time.
        KeyboardInterrupt: The call was cancelled.
    """
    may_block("run")
    call, calling = current.get(), caller()
    process = subprocess.Popen(
        [os.fspath(argument) for argument in arguments],
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=calling.directory if cwd is None else cwd,
        env=_environment(calling) if env is None else env,
        # A group of its own, so that what it starts ends with it.
        start_new_session=True,
    )
    ending = None if call is None else call.ending()
    watch = None if ending is None else _thread(_end_with, ending, process)
    kept: list[list[bytes]] = [[], []]
    pipes = [(process.stdout, sys.stdout), (process.stderr, sys.stderr)]
    pumps = [
        _thread(_pump, pipe, pieces.append if capture_output else _writer(stream))
        for (pipe, stream), pieces in zip(pipes, kept, strict=True)
    ]
    if input is not None:
        pumps.append(_thread(_feed, process.stdin, input))
    try:
        status = process.wait(timeout)
    except BaseException:
        _end(process)
        raise
    finally:
        for pump in pumps:
            pump.join()
        if ending is not None and watch is not None:
            ending.stop()
            watch.join()
    if calling.cancelled:
        raise KeyboardInterrupt("the call was cancelled")
    out, err = (b"".join(pieces).decode("utf-8", "replace") for pieces in kept)
    done = subprocess.CompletedProcess(process.args, status, out, err)
    if check:
        done.check_returncode()
    return done


def _environment(calling: Caller) -> dict[str, str]:
    trace = {"TRACEPARENT": calling.traceparent, "TRACESTATE": calling.tracestate}
    # Those of the daemon's own environment are of the call that started it.
    inherited = {name: value for name, value in os.environ.items() if name not in trace}
    known = {name: value for name, value in trace.items() if value is not None}
    return {**inherited, **known, **calling.env}


def _thread(work: Any, *arguments: Any) -> threading.Thread:
    """Starts a thread in this context: what it writes belongs to the call."""
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work, *arguments), daemon=True)
    thread.start()
    return thread


def _end_with(ending: Ending, process: subprocess.Popen[bytes]) -> None:
    if ending.wait():
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program and those it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
            return


def _writer(stream: Any) -> Any:
    """Returns what writes bytes to a stream, or text where it takes no bytes."""
    buffer = getattr(stream, "buffer", None)
    if buffer is None:
        return lambda piece: stream.write(piece.decode("utf-8", "replace"))

    def write(piece: bytes) -> None:
        buffer.write(piece)
        buffer.flush()

    return write


def _pump(pipe: IO[bytes], write: Any) -> None:
    with pipe:
        while piece := os.read(pipe.fileno(), _PIECE):
            try:
                write(piece)
            except (KeyboardInterrupt, OSError, ValueError):
                # Nothing reads it any more; the program is not held up.
                write = _dropped


def _dropped(piece: bytes) -> None:
    """Drops a piece of output."""


def _feed(pipe: IO[bytes], text: str | bytes) -> None:
    # A program may end before it has read everything.
    with contextlib.suppress(BrokenPipeError), pipe:
        pipe.write(text.encode() if isinstance(text, str) else text)
