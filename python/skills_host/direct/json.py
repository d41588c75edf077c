"""JSON bodies as `json.loads` reads them, by a faster parser where that gives the same objects.

pydantic's parser refuses part of what `json.loads` takes (other encodings than UTF-8, lone
surrogates, deep nesting), and then `json.loads` decides. What it takes it reads alike: compared at
the first use for the cases in which parsers differ, and in the tests for many more.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

#: What parsers of JSON may read in other ways, or refuse.
_HARD = (
    "[-0, -0.0, 1E400, -1e400, 5e-324, 1e23, 0.30000000000000004, 123456789012345678901234567890]",
    "[9007199254740993.0, 1.00000000000000011102230246251565, 2.2250738585072011e-308, 1e-400]",
    '{"a": 1, "b": 2, "a": {"": "\\ud83d\\ude00\\u0000\\/"}, "c": [NaN, Infinity, -Infinity]}',
    "[01]",
    '["\t"]',
    '["\\ud800"]',
    "[1.]",
    f"[{'9' * 5000}]",
)


def loads(data: bytes) -> Any:
    """Returns the value that is JSON in `data`, as `json.loads` does.

    Raises:
        ValueError: As of `json.loads`.
        RecursionError: As of `json.loads`.
    """
    fast = _fast()
    if fast is not None:
        try:
            return fast(data)
        except ValueError:
            pass
    return json.loads(data)


@functools.cache
def _fast() -> Callable[[bytes], Any] | None:
    """Returns pydantic's parser, unless it reads a hard case in another way."""
    try:
        from pydantic_core import from_json
    except ImportError:
        return None
    return from_json if all(_agree(from_json, text.encode()) for text in _HARD) else None


def _agree(fast: Callable[[bytes], Any], data: bytes) -> bool:
    try:
        value = fast(data)
    except ValueError:
        return True
    try:
        # The text has types, signs of zeros, and the order of keys.
        return repr(value) == repr(json.loads(data))
    except ValueError:
        # One of the two limits the digits of integers.
        return False
