"""What was got, and how often each handler ran."""

import collections
import sys
import threading
from typing import Any

from fastapi import APIRouter

router = APIRouter()

_calls: collections.Counter[str] = collections.Counter()
_lock = threading.Lock()


def count(name: str | None = None) -> None:
    """Notes that the calling function, or `name`, ran: no handler may run twice, or too early."""
    if name is None:
        code = sys._getframe(1).f_code
        name = f"{code.co_filename.rpartition('/')[2]}:{code.co_firstlineno} {code.co_name}"
    with _lock:
        _calls[name] += 1


def echo(**values: Any) -> dict[str, Any]:
    """What each value is, and of which type, down to the members of collections."""
    return {name: seen(value) for name, value in values.items()}


def seen(value: Any) -> dict[str, Any]:
    """What `value` is, and of which type."""
    kind = type(value).__name__
    if isinstance(value, (set, frozenset)):
        # The order of a set of texts differs from process to process.
        return {"type": kind, "items": sorted((seen(item) for item in value), key=repr)}
    if isinstance(value, (list, tuple, collections.deque)):
        return {"type": kind, "items": [seen(item) for item in value]}
    if isinstance(value, dict):
        return {"type": kind, "items": [[seen(k), seen(v)] for k, v in value.items()]}
    return {"type": kind, "value": repr(value)}


@router.get("/calls")
def calls() -> dict[str, int]:
    """How often each handler ran since the start."""
    with _lock:
        return dict(sorted(_calls.items()))
