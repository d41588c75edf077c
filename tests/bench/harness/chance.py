"""Minutes of chance: edits, installs, starts, stops, kills under load; is all well at the end?"""

from __future__ import annotations

import argparse
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from harness import chance_check, process, report
from harness.chance_check import Event
from harness.chance_load import Load
from harness.chance_plugins import KINDS, Plugin, folder_of
from harness.chance_world import World, last_line
from harness.daemon import DaemonError, Home

#: How often each event happens, relative to the others.
_WEIGHTS = {
    "edit": 12,
    "break": 4,
    "mend": 6,
    "add": 3,
    "remove": 3,
    "plugin add": 2,
    "plugin remove": 2,
    "reload": 3,
    "config": 2,
    "start": 2,
    "stop": 2,
    "restart": 2,
    "kill": 2,
    "freeze": 2,
}
#: Seconds between two events, at least and at most.
_PAUSE = (0.2, 2.0)
#: Seconds for which the host is stopped by a signal.
_FROZEN = (0.2, 3.0)
#: Requests per second below which there was no load.
_RATE_MIN = 200


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs the events, checks, prints, and returns what happened."""
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}, {arguments.minutes:g} minutes", flush=True)
    world = World(home)
    chance = _Chance(world, random.Random(seed), watches=not arguments.no_watch)
    try:
        chance.prepare()
        load = Load(home, world.environment, world.plugins[: len(KINDS)])
        begun = time.time()
        while time.time() < begun + arguments.minutes * 60:
            chance.event()
        chance.mend_all()
        load.stop()
        seconds = time.time() - begun
        violations = world.settle() + chance.check(load, seconds)
    finally:
        world.end()
    chance.print_table(load, seconds)
    for violation in violations:
        print(f"VIOLATION: {violation}")
    print(f"\nseed {seed}: {len(violations)} violations")
    return {
        "seed": seed,
        "events": [asdict(event) for event in chance.events],
        "requests": load.requests,
        "failed": [asdict(failed) for failed in load.failed],
        "violations": violations,
    }


class _Chance:
    """The events of one run."""

    def __init__(self, world: World, source: random.Random, watches: bool) -> None:
        self.events: list[Event] = []
        self._world = world
        self._random = source
        self._watches = watches
        self._number = 0
        self._broken: list[tuple[str, float, float]] = []
        self._broken_since: dict[str, float] = {}

    def prepare(self) -> None:
        """Writes the plugins and starts the daemon."""
        for plugin in self._world.plugins:
            plugin.write(self._next())
        self._world.control("start")
        if complaints := self._world.settle():
            raise DaemonError("; ".join(complaints))

    def event(self) -> None:
        """Has one event happen, and waits for a moment."""
        kind = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        begin = time.time()
        outcome = getattr(self, f"_{kind.replace(' ', '_')}")()
        if outcome is not None:
            subject, expected = outcome
            event = Event(kind, subject, begin, time.time(), expected)
            self.events.append(event)
            clock = time.strftime("%H:%M:%S", time.localtime(begin))
            print(f"{clock} {kind} {subject} ({event.end - begin:.2f} s)", flush=True)
        time.sleep(self._random.uniform(*_PAUSE))

    def mend_all(self) -> None:
        """Mends what is broken."""
        for plugin in self._world.plugins:
            if plugin.is_broken:
                self._write(plugin)
        self._seen()

    def check(self, load: Load, seconds: float) -> list[str]:
        """Returns what is wrong."""
        violations = []
        pid = self._world.pid()
        for other, line in chance_check.processes(self._world.home).items():
            if other != pid:
                violations.append(f"process {other} is left over: {line}")
        violations += [f"stray file: {path}" for path in chance_check.stray_files(self._world.home)]
        log = chance_check.records(self._world.home.runtime / "logs")
        for event in chance_check.unexplained(self.events, log):
            at = time.strftime("%H:%M:%S", time.localtime(event.begin))
            violations.append(f"no log record for {event.kind} {event.subject} at {at}")
        unexcused = chance_check.unexcused(load.failed, self.events, self._broken)
        violations += [f"{count} requests failed: {kind}" for kind, count in unexcused.items()]
        if load.requests / seconds < _RATE_MIN:
            violations.append(f"the load was only {load.requests / seconds:.0f} requests/s")
        return violations

    def print_table(self, load: Load, seconds: float) -> None:
        """Prints the events and the failed requests by kind."""
        events = Counter(event.kind for event in self.events)
        print(report.table(["event", "times"], [(k, str(n)) for k, n in events.most_common()]))
        failed = Counter(request.kind for request in load.failed)
        print(report.table(["failed", "times"], [(k, str(n)) for k, n in failed.most_common()]))
        rate = load.requests / seconds
        print(f"\n{load.requests} requests ({rate:.0f}/s), {load.calls} calls of the client")

    def _edit(self) -> tuple[str, str]:
        plugin = self._random.choice([each for each in self._world.plugins if not each.is_broken])
        self._write(plugin)
        return self._seen_of(plugin, "^plugin loaded$")

    def _break(self) -> tuple[str, str] | None:
        whole = [each for each in self._world.plugins if not each.is_broken]
        # One is always left to be edited.
        if len(whole) < 2:
            return None
        plugin = self._random.choice(whole)
        plugin.damage()
        self._broken_since[plugin.name] = time.time()
        return self._seen_of(plugin, "^plugin set aside$")

    def _mend(self) -> tuple[str, str] | None:
        broken = [each for each in self._world.plugins if each.is_broken]
        if not broken:
            return None
        plugin = self._random.choice(broken)
        self._write(plugin)
        return self._seen_of(plugin, "^plugin loaded$")

    def _add(self) -> tuple[str, str]:
        name = f"extra{self._next()}"
        plugin = Plugin(
            name, self._random.choice(KINDS), folder_of(self._world.home.directory, name)
        )
        self._world.plugins.append(plugin)
        self._write(plugin)
        return self._seen_of(plugin, "^plugin loaded$")

    def _remove(self) -> tuple[str, str] | None:
        return self._take_out(is_added=False)

    def _plugin_add(self) -> tuple[str, str]:
        name = f"added{self._next()}"
        folder = self._world.home.directory / "own" / name / "skills_plugin"
        plugin = Plugin(name, self._random.choice(KINDS), folder, is_added=True)
        self._write(plugin)
        done = self._world.control("plugin", "add", str(folder))
        if done.returncode != 0:
            plugin.remove()
            return f"{name}: {last_line(done)}", ""
        self._world.plugins.append(plugin)
        return name, "^plugin loaded$"

    def _plugin_remove(self) -> tuple[str, str] | None:
        return self._take_out(is_added=True)

    def _take_out(self, is_added: bool) -> tuple[str, str] | None:
        extra = [each for each in self._world.plugins[len(KINDS) :] if each.is_added == is_added]
        if not extra:
            return None
        plugin = self._random.choice(extra)
        if is_added:
            done = self._world.control("plugin", "remove", plugin.name)
            if done.returncode != 0:
                return f"{plugin.name}: {last_line(done)}", ""
        self._world.plugins.remove(plugin)
        was_broken = plugin.is_broken
        plugin.remove()
        self._whole(plugin)
        subject, expected = self._seen_of(plugin, "^plugin unloaded$")
        # What never loaded is not unloaded.
        return subject, "" if was_broken else expected

    def _reload(self) -> tuple[str, str]:
        return last_line(self._world.control("reload")), "^plugins reloaded$"

    def _config(self) -> tuple[str, str]:
        file = self._world.home.directory / ".config/skills-daemon/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        number = self._next()
        plugin = self._random.choice(self._world.plugins)
        file.write_text(
            f"hook_timeout = {20 + number % 10}\n[plugins.{plugin.name}]\nn = {number}\n"
        )
        return plugin.name, "config|setting" if self._watches else ""

    def _start(self) -> tuple[str, str]:
        before = self._world.pid()
        done = self._world.control("start")
        return last_line(done), "^daemon started$" if before is None else ""

    def _stop(self) -> tuple[str, str]:
        before = self._world.pid()
        done = self._world.control("stop")
        return last_line(done), "^daemon (stopping|stopped)$" if before is not None else ""

    def _restart(self) -> tuple[str, str]:
        return last_line(self._world.control("restart")), "^daemon started$"

    def _kill(self) -> tuple[str, str] | None:
        pid = self._world.pid()
        if pid is None:
            return None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return str(pid), "^daemon started$"

    def _freeze(self) -> tuple[str, str] | None:
        pid = self._world.pid()
        if pid is None:
            return None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(self._random.uniform(*_FROZEN))
            os.kill(pid, signal.SIGCONT)
        # A daemon that was replaced meanwhile has left a record of its start.
        return str(pid), "" if process.is_alive(pid) else "^daemon started$"

    def _write(self, plugin: Plugin) -> None:
        plugin.write(self._next())
        self._whole(plugin)

    def _whole(self, plugin: Plugin) -> None:
        if (since := self._broken_since.pop(plugin.name, None)) is not None:
            self._broken.append((plugin.name, since, time.time()))

    def _seen_of(self, plugin: Plugin, expected: str) -> tuple[str, str]:
        self._seen()
        return plugin.name, expected

    def _seen(self) -> None:
        """Has the daemon look at the disk, unless it watches it."""
        if not self._watches:
            self._world.control("reload")

    def _next(self) -> int:
        self._number += 1
        return self._number
