"""The lifespan of a plugin's application: what runs before its first request and after its last.

A router's `lifespan`, its `on_startup` and `on_shutdown` handlers and those of nested routers are
merged by FastAPI when the router is included; which of them, depends on its version. So this module
runs the application's merged lifespan by the lifespan protocol of ASGI, as servers do.

Unlike a server, which then ends, the daemon serves the plugin even where the start fails: the
lifespan follows the rule for `startup()`, whose purpose it shares. The failure is logged and shown
in the plugin's status, and requests that do not need the lifespan are answered.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from skills_host.contract import Application, Message
from skills_host.place import where_and_why

logger = logging.getLogger("skills_host.lifespan")

#: Timeout for the end of a lifespan that was cancelled.
_CANCELLED_SECONDS = 1.0


class Lifespan:
    """The lifespan of one application, run by one task from beginning to end, on one loop.

    Args:
        app: The application.

    Attributes:
        state: The state that the lifespan yielded; each request gets a copy.
    """

    def __init__(self, app: Application) -> None:
        self.state: dict[str, Any] = {}
        self._app = app
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._started = asyncio.Event()
        self._ending = asyncio.Event()

    async def start(self, limit: float) -> str | None:
        """Runs the lifespan as far as its `yield`, in at most `limit` seconds.

        Returns:
            What went wrong.
        """
        self._task = asyncio.get_running_loop().create_task(self._run())
        started = asyncio.ensure_future(self._started.wait())
        await asyncio.wait(
            {self._task, started}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
        )
        started.cancel()
        if self._started.is_set():
            return None
        return await self._outcome("start", limit)

    async def end(self, limit: float) -> str | None:
        """Runs the rest of the lifespan, in at most `limit` seconds; nothing if none runs.

        Returns:
            What went wrong.
        """
        if self._task is None or self._task.done():
            return None
        self._ending.set()
        await asyncio.wait({self._task}, timeout=limit)
        return await self._outcome("end", limit)

    async def _outcome(self, verb: str, limit: float) -> str | None:
        task = self._task
        assert task is not None
        if not task.done():
            logger.error("lifespan did not %s in %g s and was cancelled", verb, limit)
            task.cancel()
            await asyncio.wait({task}, timeout=_CANCELLED_SECONDS)
            return f"lifespan did not {verb} in {limit:g} s"
        if task.cancelled():
            return f"lifespan was cancelled at its {verb}"
        error = task.exception()
        if error is None:
            # It has ended; or, at its start, the application has none.
            return None
        logger.warning("lifespan failed", exc_info=error)
        return f"lifespan failed: {where_and_why(error)}"

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._receive, self._send)
        except Exception:
            if not self._started.is_set() or self._ending.is_set():
                raise
            logger.exception("lifespan failed while the plugin serves")

    async def _receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "lifespan.startup"}
        await self._ending.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Message) -> None:
        # Where something fails, the application raises besides.
        if message["type"] == "lifespan.startup.complete":
            self._started.set()
