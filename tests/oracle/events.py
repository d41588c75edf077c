"""What the plugin did in each request, in order, under either server.

Every request below `TRACED` gets a name of its own, under which the plugin's `trace` notes steps.
They are compared at the end, when background tasks and dependencies have ended, too.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from exchange import Answer, Request
from fastapi.concurrency import contextmanager_in_threadpool
from reference import PREFIX

#: Routes that trace their steps.
TRACED = f"{PREFIX}/traced/"
#: Stands for the name in a query, a header or a body.
NAME = "@trace@"
#: Seconds for which steps may follow after the last answer.
_PATIENCE = 10.0

#: True if `def` generators are left to the garbage collector after a cancellation, which closes
#: them anywhere and at any time.
_LEAVES_OPEN = "BaseException" not in inspect.getsource(contextmanager_in_threadpool)

#: Steps by the name of the request.
Steps = dict[str, list[str]]


@dataclass
class Events:
    """The requests that were traced, by name."""

    requests: dict[str, Request] = field(default_factory=dict)
    _run: str = field(default_factory=lambda: f"{time.time_ns():x}")

    def named(self, request: Request) -> Request:
        """`request` with a name, if its route traces."""
        if not request.path.startswith(TRACED):
            return request
        name = f"{self._run}-{len(self.requests)}"
        headers = [
            (key, value.replace(NAME.encode(), name.encode()))
            for key, value in request.headers
            if key.lower() != "x-trace"
        ]
        query = request.query
        named = replace(
            request,
            headers=(*headers, ("x-trace", name.encode())),
            query=query and tuple(piece.replace(NAME, name) for piece in query),
            body=request.body and request.body.replace(NAME.encode(), name.encode()),
        )
        self.requests[name] = named
        return named

    def differences(self, ask: Callable[[Request], tuple[Answer, Answer]], base: str) -> list[str]:
        """Describes the requests whose steps differ, once they are complete.

        Args:
            ask: Asks the reference and the daemon.
            base: The daemon's base URL.
        """
        limit = time.monotonic() + _PATIENCE
        compared = [name for name, asked in self.requests.items() if not _is_left_open(asked)]
        while True:
            steps = [_steps(answer) for answer in ask(Request(path=f"{PREFIX}/trace/events"))]
            differ = [name for name in compared if _differ(name, *steps)]
            if not differ or time.monotonic() > limit:
                break
            time.sleep(0.1)
        return [
            f"{self.requests[name].as_curl(base)[:1000]}\n"
            f"    uvicorn: {_shown(name, steps[0])}\n    daemon:  {_shown(name, steps[1])}"
            for name in differ
        ]


def _is_left_open(request: Request) -> bool:
    """Returns true for a request whose generators the garbage collector closes."""
    is_cancelled = "act=cancelled" in (request.query or ())
    return _LEAVES_OPEN and is_cancelled and request.path.startswith(f"{TRACED}across/")


def _steps(answer: Answer) -> Steps:
    return json.loads(answer.body)


def _differ(name: str, reference: Steps, daemon: Steps) -> bool:
    parts = (name, f"{name} unordered")
    return any(reference.get(part) != daemon.get(part) for part in parts)


def _shown(name: str, steps: Steps) -> str:
    return " ".join(str(steps.get(part, "")) for part in (name, f"{name} unordered"))
