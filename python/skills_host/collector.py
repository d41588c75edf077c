"""Garbage collection: how often, and after the end of versions of plugins.

A version's modules, functions and classes are cycles, which only the collector frees. It stops all
Python code of the process meanwhile, so one collection follows the ends of several versions, when
no plugin is being loaded, and collections have at most a small share of the time.
"""

from __future__ import annotations

import gc
import logging
import threading
import time

import _skills_host
from skills_host import precedence
from skills_host.threads import start_unattributed

logger = logging.getLogger("skills_host.collector")

#: Seconds from the end of a version to a collection, if no other version ends meanwhile.
_QUIET = 0.5
#: The most seconds from the end of a version to a collection.
_LATEST = 2.0
#: The most that collections may take of the time of all plugins together.
_SHARE = 0.1
#: Objects that were made and are not freed yet, before Python looks for cycles among them: what
#: Python has from 3.13 on. Before, it has 700, which one request with 200 models exceeds, and a
#: fifth of its time went into looking at objects that were all in use.
_YOUNG = 2000


class Collector:
    """Collects garbage after the end of versions, without taking much time from plugins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Ends of versions since the last collection: the first and the last.
        self._ends: tuple[float, float] | None = None
        self._next = 0.0

    def collect(self) -> None:
        """Has a collection follow the end of a version."""
        now = time.monotonic()
        with self._lock:
            waits = self._ends is not None
            self._ends = (self._ends[0] if self._ends else now, now)
        if not waits:
            thread = threading.Thread(target=self._run, name="collector", daemon=True)
            start_unattributed(thread)

    def _run(self) -> None:
        while (left := self._left()) > 0:
            time.sleep(left)
        precedence.Yielding().to_loads()
        begun = time.monotonic()
        gc.collect()
        took = time.monotonic() - begun
        _skills_host.trim()
        with self._lock:
            self._next = begun + took / _SHARE
        logger.debug("garbage collection took %.0f ms", took * 1000)

    def _left(self) -> float:
        """Returns the seconds until the next collection; once it is due, none is pending."""
        with self._lock:
            first, last = self._ends or (0.0, 0.0)
            due = max(min(first + _LATEST, last + _QUIET), self._next)
            left = due - time.monotonic()
            if left <= 0:
                self._ends = None
            return left


def relax() -> None:
    """Has Python look for cycles among new objects no more often than its newer versions do."""
    young, *older = gc.get_threshold()
    if 0 < young < _YOUNG:
        gc.set_threshold(_YOUNG, *older)


_collector = Collector()
collect = _collector.collect
