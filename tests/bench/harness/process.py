"""Facts about processes, from `/proc`."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Resident memory in bytes: all, and with shared pages split among their processes."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    """The memory of a process."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, size = line.split()[:2]
        sizes[name] = int(size) * 1024
    return Memory(sizes["Rss:"], sizes["Pss:"])


def threads(pid: int) -> int:
    """Returns the number of threads of a process."""
    return len(os.listdir(f"/proc/{pid}/task"))


def descriptors(pid: int) -> int:
    """Returns the number of open files and sockets of a process."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def watches(pid: int) -> int:
    """Returns the number of inotify watches of a process."""
    count = 0
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        # A file that was closed meanwhile.
        with suppress(FileNotFoundError):
            count += info.read_text().count("inotify wd:")
    return count


def is_alive(pid: int) -> bool:
    """True unless the process is gone or a zombie."""
    try:
        return _stat(pid)[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += map(int, task.read_text().split())
    return [pid, *(below for child in children for below in tree(child))]


def pin(pid: int, processors: set[int]) -> None:
    """Has all threads of a process, and those that they begin, run on these processors only."""
    for task in os.listdir(f"/proc/{pid}/task"):
        # One that has ended meanwhile.
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(task), processors)


def cpu_seconds(pids: list[int]) -> float:
    """The CPU time, user and system, that processes have used."""
    # As `clock_getcpuclockid` of Linux: nanoseconds, where `/proc` has hundredths of a second.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def machine_cpu_seconds() -> float:
    """The CPU time that everything on this machine has used, the hypervisor's share included."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split(None, 9)[1:9]]
    idle, waiting = fields[3:5]
    return (sum(fields) - idle - waiting) / _TICK


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/<pid>/stat` from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
