"""Fields that identify and describe a record of unknown kind in a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

ID_FIELDS: Final = ("id", "key", "name")
LABEL_FIELDS: Final = ("title", "summary", "label")


def first_filled(record: Mapping[str, Any], fields: Iterable[str]) -> Any:
    """Returns the value of the first field that is there and not empty, 0 or false; else None."""
    return next((value for name in fields if (value := record.get(name))), None)
