"""Loads of plugins go before what is cleared after the end of versions.

Both need the GIL: without an order a new version waits for the clean-up after the old one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

#: The most seconds that a clean-up waits: the import of a plugin may take much longer.
_WAIT_MAX = 0.5

_condition = threading.Condition()
#: The threads that load a plugin.
_loading: set[int] = set()


@contextmanager
def loading() -> Iterator[None]:
    """Marks a load on this thread as under way."""
    thread = threading.get_ident()
    with _condition:
        _loading.add(thread)
    try:
        yield
    finally:
        with _condition:
            _loading.discard(thread)
            _condition.notify_all()


class Yielding:
    """A clean-up, which waits while plugins are loaded on other threads."""

    def __init__(self) -> None:
        self._left = _WAIT_MAX

    def to_loads(self) -> None:
        """Waits until no load is under way, as long as this clean-up may still wait."""
        if not _loading or self._left <= 0:
            return
        own = {threading.get_ident()}
        begun = time.monotonic()
        with _condition:
            _condition.wait_for(lambda: _loading <= own, self._left)
        self._left -= time.monotonic() - begun
