"""Sends the same requests to the daemon and to FastAPI under uvicorn, and compares the answers.

    python compare.py http://127.0.0.1:PORT [--count N] [--seed N]

Run it with the Python of the daemon's venv, while the daemon serves the plugin `oracle`. Ends with
status 1 if any answers differ. The same seed and count make the same requests.

- `reference`: the plugin under uvicorn.
- `targets`: what its routes take.
- `corpus`, `values`, `samples`: texts for parameters, and bodies.
- `build`, `systematic`, `scenarios`, `chance`: requests.
- `events`: what the plugin did in each request.
- `exchange`: requests as bytes, and answers.
- `verdict`: what counts as the same.
- `shrink`: the smallest request that differs.
- `conversations`: WebSockets.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import conversations
import fastapi
import pydantic
import starlette
from chance import cases
from events import Events
from exchange import Answer, Connection, Request
from reference import PREFIX, Reference
from scenarios import scenarios
from shrink import shrink
from systematic import Case, every_route, every_text, sequences
from targets import find
from verdict import Judge, differences

#: Differences that are shown.
_SHOWN = 20
#: Seconds for which background tasks and dependencies may run after the last answer.
_PATIENCE = 10.0
_OWN_PLUGIN = Path(__file__).with_name("plugin") / "skills_plugin"


#: Number of runs of each handler, under uvicorn and under the daemon.
Calls = tuple[Counter[str], Counter[str]]


@dataclass(frozen=True)
class Difference:
    """Two answers that differ."""

    case: Case
    index: int
    where: list[str]
    answers: tuple[Answer, Answer]
    previous: Request | None

    @property
    def kind(self) -> tuple[str, ...]:
        """Groups differences for display: by route, roughly, and place."""
        return (*self.case[self.index].path.split("/")[2:4], *self.where)


@dataclass
class Pair:
    """A connection to each server, for one thread."""

    reference: Connection
    daemon: Connection

    def ask(self, request: Request) -> tuple[Answer, Answer]:
        """The answers of the reference and of the daemon."""
        return self.reference.ask(request), self.daemon.ask(request)

    def close(self) -> None:
        """Closes both."""
        self.reference.close()
        self.daemon.close()


@dataclass
class Comparison:
    """Results of one run."""

    reference: tuple[str, int]
    daemon: tuple[str, int]
    judge: Judge = field(default_factory=Judge)
    events: Events = field(default_factory=Events)
    compared: int = 0
    found: list[Difference] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _local: threading.local = field(default_factory=threading.local)

    def pair(self) -> Pair:
        """The connections of this thread."""
        if not hasattr(self._local, "pair"):
            self._local.pair = self.new_pair()
        return self._local.pair

    def new_pair(self) -> Pair:
        """New connections.

        uvicorn closes a connection some time after it has sent a 500, so each request to it gets
        one of its own. The daemon has to keep its connections in order.
        """
        return Pair(Connection(self.reference, kept=False), Connection(self.daemon))

    def compare(self, case: Case) -> None:
        """Sends a case to both and records the differences of the answers."""
        with self._lock:
            case = tuple(self.events.named(request) for request in case)
        for index, request in enumerate(case):
            answers = self.pair().ask(request)
            previous = getattr(self._local, "previous", None)
            self._local.previous = request
            with self._lock:
                self.compared += 1
                where = self.judge.judge(request, *answers)
                if where:
                    self.found.append(Difference(case, index, where, answers, previous))

    def run(self, made: list[Case], jobs: int) -> None:
        """Compares all cases on several threads."""
        with ThreadPoolExecutor(jobs) as pool:
            for _ in pool.map(self.compare, made):
                pass

    def calls(self) -> Calls:
        """Returns how often each handler ran so far, on either side."""
        answers = self.pair().ask(Request(path=f"{PREFIX}/calls"))
        return Counter(json.loads(answers[0].body)), Counter(json.loads(answers[1].body))

    def settled(self, before: Calls) -> Calls:
        """Returns the calls once all work after the answers has ended on both sides."""
        limit = time.monotonic() + _PATIENCE
        while True:
            after = self.calls()
            same = after[0] - before[0] == after[1] - before[1]
            if same or time.monotonic() > limit:
                return after
            time.sleep(0.05)

    def show(self, difference: Difference, base: str) -> str:
        """Returns a difference with the smallest case that shows it."""
        case, index, where = difference.case, difference.index, difference.where
        pair = self.new_pair()
        request = case[index]
        if len(case) == 1:
            request = shrink(request, lambda smaller: differences(*pair.ask(smaller)) == where)
        answers = pair.ask(request)
        pair.close()
        lines = [f"{', '.join(where)} differ:"]
        lines += [f"  after {earlier.as_curl(base)[:500]}" for earlier in case[:index]]
        lines += [f"  {request.as_curl(base)[:2000]}"]
        lines += [f"  uvicorn: {answers[0]}", f"  daemon:  {answers[1]}"]
        if not differences(*answers):
            lines.append("  (not when it was repeated alone; before:")
            lines += [f"  uvicorn: {difference.answers[0]}", f"  daemon:  {difference.answers[1]})"]
            if difference.previous is not None:
                lines.append(f"  after {difference.previous.as_curl(base)[:500]}")
        return "\n".join(lines)


def make(plugin: Path, seed: int, count: int) -> list[Case]:
    """All cases of a run: scenarios, each route, then systematic ones, then chance."""
    targets = find(plugin)
    chance = random.Random(seed)
    made = [*sequences(f"{seed}-{time.time_ns()}"), *scenarios(targets, chance, count // 4)]
    made += every_route(targets, chance, count // 4)
    left = max(count - sum(map(len, made)), 0)
    made += every_text(targets, chance, left // 2)
    made += cases(targets, seed, left - left // 2)
    # Sequences stay whole; all else is mixed, so that requests meet which have little in common.
    chance.shuffle(made)
    return made


def _is_plain(case: Case) -> bool:
    return all(request.is_plain for request in case)


def main() -> int:
    """Compares, prints, and returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("daemon", help="the daemon's base URL")
    parser.add_argument("--plugin", type=Path, default=_OWN_PLUGIN, help="the plugin's package")
    parser.add_argument("--count", type=int, default=4000, help="number of requests, about")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other requests")
    parser.add_argument("--jobs", type=int, default=4, help="requests in flight at once")
    parser.add_argument("--shown", type=int, default=_SHOWN, help="differences that are shown")
    options = parser.parse_args()
    url = urlsplit(options.daemon)
    begun = time.monotonic()
    made = make(options.plugin.resolve(), options.seed, options.count)
    with Reference(options.plugin.resolve()) as reference:
        comparison = Comparison(reference.address, (url.hostname or "127.0.0.1", url.port or 9100))
        generated = time.monotonic()
        before = comparison.calls()
        comparison.run([case for case in made if _is_plain(case)], options.jobs)
        after = comparison.settled(before)
        steps = comparison.events.differences(comparison.pair().ask, options.daemon)
        # One server refuses these, and the other runs a handler: they must not be counted.
        comparison.run([case for case in made if not _is_plain(case)], options.jobs)
        calls = [
            f"{name}: {after[0][name] - before[0][name]} times under uvicorn, "
            f"{after[1][name] - before[1][name]} times under the daemon"
            for name in sorted({*after[0], *after[1]})
            if after[0][name] - before[0][name] != after[1][name] - before[1][name]
        ]
        versions = f"FastAPI {fastapi.__version__}, Starlette {starlette.__version__}"
        print(
            f"{versions}, pydantic {pydantic.VERSION}: {comparison.compared} requests compared, "
            f"{len(comparison.found)} differences, {len(comparison.events.requests)} traced, "
            f"{len(steps)} in other steps, seed {options.seed}, "
            f"{generated - begun:.1f} s + {time.monotonic() - generated:.1f} s"
        )
        print("Rules used:", *comparison.judge.summary(), sep="\n")
        kinds: dict[tuple[str, ...], Difference] = {}
        for difference in comparison.found:
            kinds.setdefault(difference.kind, difference)
        for difference in list(kinds.values())[: options.shown]:
            print("", comparison.show(difference, options.daemon), sep="\n")
        if len(kinds) > options.shown:
            print(f"\n{len(kinds) - options.shown} more kinds of differences are not shown.")
        if steps:
            print("\nSteps that differ:", *steps[: options.shown], sep="\n  ")
        conversing = conversations.run(reference.address, comparison.daemon)
        if calls:
            print("\nHandlers that did not run as often:", *calls[: options.shown], sep="\n  ")
    return 1 if comparison.found or steps or calls or conversing else 0


if __name__ == "__main__":
    sys.exit(main())
