"""The version of FastAPI: some features are newer than 0.109."""

import inspect
from collections.abc import Callable
from typing import Any

import fastapi

#: The minor number.
MINOR = int(fastapi.__version__.split(".")[1])


def accepted(function: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """Those of `options` that this version of `function` has a parameter for."""
    known = inspect.signature(function).parameters
    return {name: value for name, value in options.items() if name in known}
