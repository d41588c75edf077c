"""Garbage collection after the end of a version of a plugin.

A version's modules, functions and classes are cycles, which only the collector frees. It stops all
Python code of the process meanwhile, so collections have at most a small share of the time.
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

#: The most that collections may take of the time of all plugins together.
_SHARE = 0.1


class Collector:
    """Collects garbage after the end of versions, without taking much time from other plugins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0
        self._waits = False

    def collect(self) -> None:
        """Collects now, or as soon as a collection would not take more than its share."""
        with self._lock:
            if self._waits:
                return
            left = self._next - time.monotonic()
            if left > 0:
                self._waits = True
                timer = threading.Timer(left, self._collect_late)
                timer.daemon = True
                start_unattributed(timer)
                return
        self._collect()

    def _collect_late(self) -> None:
        with self._lock:
            self._waits = False
        self._collect()

    def _collect(self) -> None:
        precedence.Yielding().to_loads()
        begun = time.monotonic()
        gc.collect()
        took = time.monotonic() - begun
        _skills_host.trim()
        with self._lock:
            self._next = begun + took / _SHARE
        logger.debug("garbage collection took %.0f ms", took * 1000)


_collector = Collector()
collect = _collector.collect
