"""Direct calls of a FastAPI application without the host: its `Call` and its pool, in Python."""

import asyncio
import contextvars
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import fastapi
from fastapi import FastAPI

from skills_host.asgi import Waiters
from skills_host.direct.runner import Runner
from skills_host.eager import Tasks
from skills_host.plan.route import Plan, routes


class Call:
    """A request and its answer, as the host has them; nothing of it is bound.

    Args:
        plan: Number of the plan; `None` for a call that the application serves.
        method: The method.
        url: Path and query.
        headers: Headers.
        body: The body.
    """

    id = 1
    request_id = "test"
    is_socket = False
    cancelled = False

    def __init__(
        self,
        plan: int | None,
        method: str = "GET",
        url: str = "/x",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        self.plan = plan
        self.method = method
        parts = urlsplit(url)
        self.path, self._query = parts.path, parts.query
        self._headers = headers or {}
        self._body: bytes | None = body
        self.started = False
        self.is_closed = False
        self.status = 0
        self.sent: list[tuple[bytes, bytes]] = []
        self.content = b""
        self.is_whole = False

    def context(self, base, variable, current):
        return base.copy()

    def arguments(self, binder):
        return None

    def slots(self, binder):
        return {}

    def header(self, name):
        return self._headers.get(name)

    def body(self):
        body, self._body = self._body, None
        return body

    def release(self):
        pass

    def scope(self, files: bool = False) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": self._query.encode(),
            "root_path": "",
            "headers": [(k.lower().encode(), v.encode()) for k, v in self._headers.items()],
            "client": None,
            "server": ("localhost", 1),
        }

    def receive(self):
        if self.cancelled or self.is_whole:
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return None if body is None else {"type": "http.request", "body": body}

    def start(self, status, headers):
        self.started, self.status, self.sent = True, status, list(headers)

    def write(self, body, more):
        self.content += bytes(body)
        self.is_whole = not more
        return True

    def is_full(self):
        return False

    def json(self, result):
        return None

    def finish(self, result):
        return False

    def respond(self, status, headers, body):
        self.start(status, headers)
        self.write(body, False)

    def answer(self, status, body):
        self.respond(status, [(b"content-type", b"application/json")], body)
        self.close()

    def close(self):
        self.is_closed = True


class Direct:
    """An application whose routes are called directly, on one loop with a pool of threads.

    Args:
        app: The application.
    """

    def __init__(self, app: FastAPI) -> None:
        app.exception_handlers.setdefault(Exception, _failed)
        self.app = app
        self.described, self.plans = routes(app, "")
        self.loop = asyncio.new_event_loop()
        self.waiters = Waiters()
        self._threads = ThreadPoolExecutor(4)
        plugin = SimpleNamespace(
            app=app,
            plans=self.plans,
            response_type=fastapi.Response,
            is_traced=None,
            is_fastapis=True,
            sends_files=False,
        )
        tasks = Tasks(self.loop)
        context = contextvars.copy_context()
        runner = Runner(plugin, self.waiters, tasks, context, {}, _Hops(self.loop, self._threads))
        self.dispatcher = runner.dispatcher(None)

    def plan(self, path: str, method: str = "GET") -> Plan:
        """Returns the plan of a route."""
        return self.plans[self.number(path, method)]

    def number(self, path: str, method: str = "GET") -> int:
        """Returns the number of the plan of a route."""
        of = [each for each in self.described if each["path"] == path]
        (entry,) = [each for each in of if method in each["methods"]]
        return entry["plan"]["number"]

    def ask(self, call: Call) -> Call:
        """Carries out a call, as the host begins it."""
        return self.loop.run_until_complete(asyncio.wait_for(self.answered(call), 30))

    async def answered(self, call: Call) -> Call:
        """Begins a call and waits for its end."""
        if call.plan is not None and not self.plans[call.plan].spec()["begins_on_loop"]:
            context = contextvars.copy_context()
            rest = await self.loop.run_in_executor(
                self._threads, context.run, self.dispatcher.run, call
            )
            if rest is not None:
                self.loop.call_soon(rest)
        else:
            # Outside of a task, as the host does.
            self.loop.call_soon(self.dispatcher.begin, call)
        while not call.is_closed:
            await asyncio.sleep(0.001)
        return call

    def close(self) -> None:
        """Ends the loop and the threads."""
        self._threads.shutdown()
        self.loop.close()


class _Hops:
    """The way to the pool, over `ThreadPoolExecutor`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: ThreadPoolExecutor) -> None:
        self._loop = loop
        self._threads = threads

    def hold(self):
        pass

    async def run(self, work, *, is_cleanup=False):
        return await self._loop.run_in_executor(self._threads, work)


async def _failed(request, error):
    return fastapi.responses.JSONResponse({"error": str(error)}, 500)


def answer(call: Call) -> tuple[int, Any]:
    """Returns the status of an answer and its JSON."""
    return call.status, json.loads(call.content) if call.content else None
