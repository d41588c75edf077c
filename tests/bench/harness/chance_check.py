"""What must hold at the end of the chance test."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.chance_load import Failed
from harness.daemon import Home

#: Files that a daemon keeps in `state/`.
_STATE = re.compile(
    r"(daemon\.(lock|pid|sock)|handover\.sock|journal-\d+|crashes\.json|start\.lock)"
)
#: Names of files that are written aside and then moved into place.
_STAGED = re.compile(r"\.(new|tmp|part)(-\d+)?$|\.swp$|^\.tmp")
#: Directories whose files are those of packages, or Python's own.
_FOREIGN = ("venv", "pycache", "tools")
#: Seconds until the log explains an event, and until a failure after it is no longer its.
EXPLAINED_IN, EXCUSED_FOR = 20.0, 10.0
#: Events that may make requests fail.
DISRUPTIVE = ("start", "stop", "kill", "freeze")


@dataclass
class Event:
    """Something that happened.

    Attributes:
        kind: What was done.
        subject: To which plugin, or with which outcome.
        begin: The time before it.
        end: The time after it.
        expected: A message of the log that explains it; empty for none.
    """

    kind: str
    subject: str
    begin: float
    end: float
    expected: str


@dataclass(frozen=True)
class Record:
    """A record of the log."""

    at: float
    message: str
    plugin: str


def records(directory: Path) -> list[Record]:
    """Returns the records of all log files."""
    found = []
    for file in directory.glob("daemon.log*"):
        for line in file.read_text(errors="replace").splitlines():
            try:
                fields = json.loads(line)
                at = datetime.fromisoformat(fields["timestamp"].replace("Z", "+00:00"))
            except (ValueError, KeyError):
                # The last line of a process that was killed.
                continue
            plugin = str(fields.get("plugin", ""))
            found.append(Record(at.timestamp(), str(fields.get("message", "")), plugin))
    return sorted(found, key=lambda record: record.at)


def unexplained(events: Sequence[Event], log: Sequence[Record]) -> list[Event]:
    """Returns the events that the log does not explain.

    A start of the daemon explains all that happened shortly before: it finds what lies on disk.
    """

    def explains(event: Event, record: Record) -> bool:
        if not event.begin - 0.1 <= record.at <= event.end + EXPLAINED_IN:
            return False
        if record.message == "daemon started":
            return True
        if not re.search(event.expected, record.message):
            return False
        return record.plugin in ("", event.subject) or event.kind in DISRUPTIVE

    wanted = [event for event in events if event.expected]
    return [event for event in wanted if not any(explains(event, record) for record in log)]


def unexcused(
    failed: Iterable[Failed], events: Sequence[Event], broken: Sequence[tuple[str, float, float]]
) -> Counter[str]:
    """Counts the failed requests that no event excuses, by kind.

    Args:
        failed: All that failed.
        events: All that happened.
        broken: Plugin, beginning and end of the times at which it could not be imported; a daemon
            that starts meanwhile has no version of it that serves.
    """
    times = [
        (event.begin - 1, event.end + EXCUSED_FOR) for event in events if event.kind in DISRUPTIVE
    ]

    def is_excused(request: Failed) -> bool:
        if any(begin <= request.at <= end for begin, end in times):
            return True
        own = [(begin, end) for plugin, begin, end in broken if plugin == request.plugin]
        return any(begin <= request.at <= end + EXCUSED_FOR for begin, end in own)

    return Counter(request.kind for request in failed if not is_excused(request))


def processes(home: Home) -> dict[int, str]:
    """Returns the processes whose HOME is this one, except this process: ids and command lines."""
    wanted = f"HOME={home.directory}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(entry.name)] = line.decode(errors="replace").strip()
        except OSError:
            # It has ended, or is another user's.
            continue
    return found


def stray_files(home: Home) -> list[str]:
    """Returns files in `state/` that a daemon does not keep, and staged files anywhere."""
    state = home.runtime / "state"
    stray = [f"state/{path.name}" for path in state.iterdir() if not _STATE.fullmatch(path.name)]
    config = home.directory / ".config"
    for top in (home.runtime, config, home.directory / ".local/bin"):
        for folder, directories, files in os.walk(top):
            directories[:] = [name for name in directories if name not in _FOREIGN]
            stray += [str(Path(folder, name)) for name in files if _STAGED.search(name)]
    return sorted(set(stray))
