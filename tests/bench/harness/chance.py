"""Minutes of chance: edits, installs, starts, stops, kills under load; is all well at the end?"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness import chance_check, process, report
from harness.chance_check import Event
from harness.chance_load import Load
from harness.chance_plugins import KINDS, Plugin, folder_of
from harness.daemon import LOOK_AGAIN, DaemonError, Home

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
#: Seconds until all is settled at the end.
_SETTLING_MAX = 90
#: Requests per second below which there was no load.
_RATE_MIN = 200


def run(home: Home, arguments: argparse.Namespace) -> dict[str, Any]:
    """Runs the events, checks, prints, and returns what happened."""
    seed = arguments.seed if arguments.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}, {arguments.minutes:g} minutes", flush=True)
    chance = _Chance(home, random.Random(seed), watches=not arguments.no_watch)
    try:
        chance.prepare()
        load = Load(home, chance.environment, chance.plugins[: len(KINDS)])
        begun = time.time()
        while time.time() < begun + arguments.minutes * 60:
            chance.event()
        chance.mend_all()
        load.stop()
        seconds = time.time() - begun
        violations = chance.settle() + chance.check(load, seconds)
    finally:
        chance.end()
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
    """The plugins and events of one run."""

    def __init__(self, home: Home, source: random.Random, watches: bool) -> None:
        self.home = home
        self.events: list[Event] = []
        self.plugins = [Plugin(kind, kind, folder_of(home.directory, kind)) for kind in KINDS]
        self._random = source
        self._watches = watches
        self._number = 0
        self._broken: list[tuple[str, float, float]] = []
        self._broken_since: dict[str, float] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.environment = home.environment() | {"SKILLS_DAEMON_PORT": str(port)}

    def prepare(self) -> None:
        """Writes the plugins and starts the daemon."""
        for plugin in self.plugins:
            plugin.write(self._next())
        self._control("start")
        if complaints := self.settle():
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
        for plugin in self.plugins:
            if plugin.is_broken:
                self._write(plugin)
        self._seen()

    def settle(self) -> list[str]:
        """Waits until every plugin answers what lies on disk; returns what does not."""
        deadline = time.monotonic() + _SETTLING_MAX
        while complaints := self._unsettled():
            if time.monotonic() > deadline:
                return complaints
            time.sleep(LOOK_AGAIN * 10)
        return []

    def check(self, load: Load, seconds: float) -> list[str]:
        """Returns what is wrong."""
        violations = []
        pid = self._pid()
        for other, line in chance_check.processes(self.home).items():
            if other != pid:
                violations.append(f"process {other} is left over: {line}")
        violations += [f"stray file: {path}" for path in chance_check.stray_files(self.home)]
        log = chance_check.records(self.home.runtime / "logs")
        for event in chance_check.unexplained(self.events, log):
            at = time.strftime("%H:%M:%S", time.localtime(event.begin))
            violations.append(f"no log record for {event.kind} {event.subject} at {at}")
        unexcused = chance_check.unexcused(load.failed, self.events, self._broken)
        violations += [f"{count} requests failed: {kind}" for kind, count in unexcused.items()]
        if load.requests / seconds < _RATE_MIN:
            violations.append(f"the load was only {load.requests / seconds:.0f} requests/s")
        return violations

    def end(self) -> None:
        """Stops the daemon; kills what does not stop."""
        pid = self._pid()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        with suppress(subprocess.TimeoutExpired):
            self._control("stop")
        for other in chance_check.processes(self.home):
            with suppress(ProcessLookupError):
                os.kill(other, signal.SIGKILL)

    def print_table(self, load: Load, seconds: float) -> None:
        """Prints the events and the failed requests by kind."""
        events = Counter(event.kind for event in self.events)
        print(report.table(["event", "times"], [(k, str(n)) for k, n in events.most_common()]))
        failed = Counter(request.kind for request in load.failed)
        print(report.table(["failed", "times"], [(k, str(n)) for k, n in failed.most_common()]))
        rate = load.requests / seconds
        print(f"\n{load.requests} requests ({rate:.0f}/s), {load.calls} calls of the client")

    def _unsettled(self) -> list[str]:
        done = self._control("status", "--json")
        try:
            status = json.loads(done.stdout)
            listed = {plugin["name"]: plugin for plugin in status["plugins"]}
        except (ValueError, KeyError):
            # The next call starts one.
            self._call(self.plugins[0])
            return [f"no daemon answers: {done.stdout or done.stderr}"]
        complaints = []
        for plugin in self.plugins:
            entry = listed.pop(plugin.name, {"state": "missing"})
            if entry["state"] != "ready" or "next" in entry or "detail" in entry:
                complaints.append(f"{plugin.name} is {json.dumps(entry)}")
            elif (answer := self._answer(status["port"], plugin)) != plugin.version:
                complaints.append(f"{plugin.name} answers {answer}, not {plugin.version}")
        known = [entry for entry in listed.values() if "/.claude/" in entry["path"]]
        return complaints + [f"{entry['name']} was removed" for entry in known]

    def _answer(self, port: int, plugin: Plugin) -> object:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", plugin.path)
            return json.loads(connection.getresponse().read()).get("version")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return repr(error)
        finally:
            connection.close()

    def _edit(self) -> tuple[str, str]:
        plugin = self._random.choice([each for each in self.plugins if not each.is_broken])
        self._write(plugin)
        return self._seen_of(plugin, "^plugin loaded$")

    def _break(self) -> tuple[str, str] | None:
        whole = [each for each in self.plugins if not each.is_broken]
        # One is always left to be edited.
        if len(whole) < 2:
            return None
        plugin = self._random.choice(whole)
        plugin.damage()
        self._broken_since[plugin.name] = time.time()
        return self._seen_of(plugin, "^plugin set aside$")

    def _mend(self) -> tuple[str, str] | None:
        broken = [each for each in self.plugins if each.is_broken]
        if not broken:
            return None
        plugin = self._random.choice(broken)
        self._write(plugin)
        return self._seen_of(plugin, "^plugin loaded$")

    def _add(self) -> tuple[str, str]:
        name = f"extra{self._next()}"
        plugin = Plugin(name, self._random.choice(KINDS), folder_of(self.home.directory, name))
        self.plugins.append(plugin)
        self._write(plugin)
        return self._seen_of(plugin, "^plugin loaded$")

    def _remove(self) -> tuple[str, str] | None:
        return self._take_out(is_added=False)

    def _plugin_add(self) -> tuple[str, str]:
        name = f"added{self._next()}"
        folder = self.home.directory / "own" / name / "skills_plugin"
        plugin = Plugin(name, self._random.choice(KINDS), folder, is_added=True)
        self._write(plugin)
        done = self._control("plugin", "add", str(folder))
        if done.returncode != 0:
            plugin.remove()
            return f"{name}: {_last_line(done)}", ""
        self.plugins.append(plugin)
        return name, "^plugin loaded$"

    def _plugin_remove(self) -> tuple[str, str] | None:
        return self._take_out(is_added=True)

    def _take_out(self, is_added: bool) -> tuple[str, str] | None:
        extra = [each for each in self.plugins[len(KINDS) :] if each.is_added == is_added]
        if not extra:
            return None
        plugin = self._random.choice(extra)
        if is_added:
            done = self._control("plugin", "remove", plugin.name)
            if done.returncode != 0:
                return f"{plugin.name}: {_last_line(done)}", ""
        self.plugins.remove(plugin)
        was_broken = plugin.is_broken
        plugin.remove()
        self._whole(plugin)
        subject, expected = self._seen_of(plugin, "^plugin unloaded$")
        # What never loaded is not unloaded.
        return subject, "" if was_broken else expected

    def _reload(self) -> tuple[str, str]:
        return _last_line(self._control("reload")), "^plugins reloaded$"

    def _config(self) -> tuple[str, str]:
        file = self.home.directory / ".config/skills-daemon/config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        number = self._next()
        plugin = self._random.choice(self.plugins)
        file.write_text(
            f"hook_timeout = {20 + number % 10}\n[plugins.{plugin.name}]\nn = {number}\n"
        )
        return plugin.name, "config|setting" if self._watches else ""

    def _start(self) -> tuple[str, str]:
        before = self._pid()
        done = self._control("start")
        return _last_line(done), "^daemon started$" if before is None else ""

    def _stop(self) -> tuple[str, str]:
        before = self._pid()
        done = self._control("stop")
        return _last_line(done), "^daemon (stopping|stopped)$" if before is not None else ""

    def _restart(self) -> tuple[str, str]:
        return _last_line(self._control("restart")), "^daemon started$"

    def _kill(self) -> tuple[str, str] | None:
        pid = self._pid()
        if pid is None:
            return None
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return str(pid), "^daemon started$"

    def _freeze(self) -> tuple[str, str] | None:
        pid = self._pid()
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
            self._control("reload")

    def _control(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.home.binaries / "skills-daemon", *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def _call(self, plugin: Plugin) -> None:
        words = [self.home.client, plugin.name, "version"]
        subprocess.run(words, env=self.environment, capture_output=True, timeout=600)

    def _pid(self) -> int | None:
        """The process id in the pid file, of a host of this home that lives."""
        try:
            pid = int((self.home.runtime / "state/daemon.pid").read_text())
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if b"skills-host" in line and process.is_alive(pid) else None

    def _next(self) -> int:
        self._number += 1
        return self._number


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1].strip()[:80] if lines else f"exit {done.returncode}"
