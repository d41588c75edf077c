"""The thread of one plugin: its event loop, its requests, and when its hooks run.

The thread imports the plugin, replies with the description, and runs the loop until the `unload`
verb. Work arrives through the `Inbox`, in batches: its file descriptor becomes readable once per
batch. Events are a `Call` (a request), the id of a call to wake, or `(verb, seconds, reply)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from skills_daemon._plugin import current
from skills_host import collector, hooks, leftovers, loader, precedence, threads
from skills_host.asgi import Waiters
from skills_host.contract import Plugin
from skills_host.direct.hops import Hops
from skills_host.direct.runner import Runner
from skills_host.eager import Tasks
from skills_host.lifespan import Lifespan
from skills_host.loader import LoadError
from skills_host.log import plugin_ctx
from skills_host.own import Own, set_variables
from skills_host.place import where_and_why
from skills_host.threads import version_ctx

if TYPE_CHECKING:
    from _skills_host import Board, Executed, Inbox, OtherEvent, Pool, Reply
    from skills_host.background import Supervisor
    from skills_host.contract import Outline

logger = logging.getLogger("skills_host.worker")

#: Timeout for the end of the other threads of a plugin that is unloaded.
_ENDED_SECONDS = 1.0


class Load(NamedTuple):
    """What is loaded, as `loader.load` takes it."""

    init_file: str
    working_name: str
    entry_point: str | None
    outline: Outline
    executed: Callable[[str, int, int], None]


def run(
    inboxes: list[Inbox],
    pool: Pool,
    init_file: str,
    working_name: str,
    entry_point: str | None,
    outline: str,
    board: Board,
    executed: Executed,
    reply: Reply,
) -> None:
    """Loads a plugin and runs it; returns after its unload.

    Args:
        inboxes: The queues of its loops; hooks arrive at the first.
        pool: The threads for `def` handlers.
        init_file: The plugin's file.
        working_name: Its name until it is loaded.
        entry_point: `package.module:Class`, if the class is not in the file itself.
        outline: Metadata of its manifest and its surroundings, an `Outline` as JSON.
        board: Shows its background tasks.
        executed: Receives the files of its modules.
        reply: Receives the description, or the reason of the failure.
    """
    plugin_ctx.set(working_name)
    version_ctx.set(version := threads.Version(working_name))
    load = Load(init_file, working_name, entry_point, json.loads(outline), executed.add)
    _run(inboxes, pool, load, board, reply)
    del load
    leftovers.report_threads(version)
    # Nothing here refers to the version any more.
    collector.collect()


def _run(
    inboxes: list[Inbox],
    pool: Pool,
    load: Load,
    board: Board,
    reply: Reply,
) -> None:
    own = Own(load.outline["surroundings"], board)
    with precedence.loading():
        plugin = _loaded(load, own, reply)
    if plugin is not None:
        plugin_ctx.set(plugin.name)
        version = version_ctx.get()
        if version is not None:
            version.name = plugin.name
        own.loaded(plugin.name)
        _serve(inboxes, pool, plugin, own.tasks, reply)
    current.set(None)


def _loaded(load: Load, own: Own, reply: Reply) -> Plugin | None:
    try:
        set_variables(own.name, load.outline["surroundings"]["env"])
        return loader.load(*load)
    except LoadError as error:
        own.tasks.close()
        reply.fail(str(error))
    except BaseException as error:
        own.tasks.close()
        logger.exception("loading %s failed", load.init_file)
        reply.fail(where_and_why(error, load.init_file))
    return None


def _serve(
    inboxes: list[Inbox], pool: Pool, plugin: Plugin, tasks: Supervisor, reply: Reply
) -> None:
    """Runs the loops of a plugin until its unload, and closes it."""
    with precedence.loading():
        description = plugin.describe()
    lifespan = Lifespan(plugin.app)
    first, *others = [_Worker(inbox, pool, plugin, lifespan, tasks) for inbox in inboxes]
    first.beside = others
    pool.run_with(first.dispatcher, first.prepare_thread)
    beside = []
    for number, other in enumerate(others, 2):
        name = f"plugin-{plugin.name}-{number}"
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=[other.run], name=name, daemon=True)
        beside.append(thread)
        threads.start_unattributed(thread)
    reply.done(description)
    del description
    first.run()
    for thread in beside:
        thread.join(_ENDED_SECONDS)
    if left := pool.end(_ENDED_SECONDS):
        logger.warning("%d calls of %s do not return and are left behind", left, plugin.name)
    plugin.close()
    for worker in (*first.beside, first):
        # A cycle, whose descriptors are closed now and not at the next garbage collection.
        vars(worker).clear()


class _Worker:
    """One loop of a plugin.

    Args:
        inbox: The loop's queue.
        pool: The plugin's threads for `def` handlers.
        plugin: The plugin.
        lifespan: The plugin's lifespan, which runs on the first loop.
        tasks: The plugin's background tasks, which run on the first loop.

    Attributes:
        beside: The plugin's other loops, which this one ends.
        dispatcher: Begins the calls of this loop.
    """

    def __init__(
        self, inbox: Inbox, pool: Pool, plugin: Plugin, lifespan: Lifespan, tasks: Supervisor
    ) -> None:
        self.beside: list[_Worker] = []
        self._inbox = inbox
        self._pool = pool
        self._plugin = plugin
        self._lifespan = lifespan
        self._tasks = tasks
        self._waiters = Waiters()
        self._loop = asyncio.new_event_loop()
        self._context = contextvars.copy_context()
        self._unloaded = asyncio.Event()
        self._is_ending = False
        self._requests = Tasks(self._loop)
        self._others = Tasks(self._loop)
        hops = Hops(self._loop, inbox, pool)
        runner = Runner(plugin, self._waiters, self._requests, self._context, lifespan.state, hops)
        self.dispatcher = runner.dispatcher(inbox)
        self._verbs: dict[str, Callable[[float], Awaitable[str]]] = {
            "start": self._startup,
            "health": functools.partial(hooks.health, plugin.instance),
            "finish": self._finish,
            "unload": self._unload,
        }

    def run(self) -> None:
        """Runs the loop until `unload`."""
        asyncio.set_event_loop(self._loop)
        self._loop.add_reader(self._inbox.fileno(), self._drain)
        try:
            # A task that outlives all others: anyio ties the threads it starts to the one it finds.
            root = self._loop.create_task(self._unloaded.wait())
            while not root.done():
                try:
                    self._loop.run_until_complete(root)
                except (SystemExit, KeyboardInterrupt) as error:
                    # A handler that calls `sys.exit()` ends itself, not the plugin.
                    logger.warning("%s in the plugin's loop", type(error).__name__)
        finally:
            self._is_ending = True
            self._requests.cancel(1)
            self._others.cancel(1)
            leftovers.cancel_tasks(self._loop, 1)
            # Until now, clean-ups of requests come back from the pool by it.
            self._loop.remove_reader(self._inbox.fileno())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    def _drain(self) -> None:
        self._inbox.work(None if self._is_ending else self.dispatcher, self._happened)

    def _happened(self, event: OtherEvent) -> None:
        """Does what an event asks for that is no call."""
        if isinstance(event, int):
            self._waiters.wake(event)
        elif callable(event):
            event()
        else:
            verb, limit, reply = event
            self._others.keep(self._loop.create_task(self._answer(verb, limit, reply)))

    def prepare_thread(self) -> contextlib.ExitStack:
        """Makes `anyio.from_thread` work on a thread of the pool, as it does on FastAPI's."""
        prepared = contextlib.ExitStack()
        try:
            from anyio._backends._asyncio import AsyncIOBackend
            from anyio._core._eventloop import claim_worker_thread

            prepared.enter_context(claim_worker_thread(AsyncIOBackend, self._loop))
        except Exception as error:
            logger.debug("anyio.from_thread will not work in def handlers: %s", error)
        return prepared

    async def _answer(self, verb: str, limit: float, reply: Reply) -> None:
        try:
            reply.done(await self._verbs[verb](limit))
        except Exception as error:
            logger.exception("%s failed", verb)
            reply.fail(f"{type(error).__name__}: {error}")

    async def _startup(self, limit: float) -> str:
        """Starts the lifespan, runs `startup()`, then `connect()`, and returns the failures.

        Background tasks that the plugin started while it was imported begin after them.

        The lifespan and `startup()` share `limit` seconds; `connect()` gets as many of its own.
        """
        deadline = self._loop.time() + limit
        self._tasks.attach()
        failed = [await self._lifespan.start(limit)]
        failed.append(
            await hooks.run(self._plugin.instance, "startup", self._left(deadline, limit))
        )
        failed.append(await hooks.run(self._plugin.instance, "connect", limit))
        self._tasks.begin()
        return json.dumps([complaint for complaint in failed if complaint])

    async def _finish(self, limit: float) -> str:
        """Waits until no request is in flight."""
        await self._finished(limit)
        return "null"

    async def _unload(self, limit: float) -> str:
        """Finishes the in-flight requests, ends the background tasks, then runs `shutdown()`.

        The end of the lifespan is last. The requests get at most `limit` seconds; all that follows
        gets as much, of which the background tasks get half.
        """
        finished = await self._finished(limit)
        deadline = self._loop.time() + limit
        await self._tasks.end(limit / 2)
        complaint = await hooks.run(self._plugin.instance, "shutdown", self._left(deadline, limit))
        # Takes late arrivals; not from here, because a task cannot run another's first step.
        self._loop.call_soon(self._drain)
        await asyncio.sleep(0)
        if finished:
            await self._finished(min(limit, 1))
        # After the last request.
        failed = [complaint, await self._lifespan.end(self._left(deadline, limit))]
        for worker in (*self.beside, self):
            worker._loop.call_soon_threadsafe(worker._unloaded.set)
        return json.dumps("; ".join(filter(None, failed)) or None)

    def _left(self, deadline: float, limit: float) -> float:
        """Returns the seconds until `deadline`, but at least one where `limit` allows it."""
        return max(deadline - self._loop.time(), min(limit, 1))

    async def _finished(self, limit: float) -> bool:
        """Waits until no request is in flight, on any loop or in the pool; false after `limit`."""
        empty = asyncio.Event()
        self._pool.when_empty(lambda: self._loop.call_soon_threadsafe(empty.set))
        others = [
            asyncio.run_coroutine_threadsafe(other._requests.idle(), other._loop)
            for other in self.beside
        ]
        waits: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(empty.wait()),
            asyncio.ensure_future(self._requests.idle()),
            *(asyncio.wrap_future(other) for other in others),
        ]
        _, late = await asyncio.wait(waits, timeout=limit)
        for wait in late:
            wait.cancel()
        return not late
