"""Whether validation or serialization by pydantic runs code of a plugin.

Such code may be observed: when it runs, how often, and on which thread. Where none is found,
values may be validated before the dependencies are called, and results serialized on any thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Packages whose functions in a schema have no effects.
_KNOWN = ("pydantic", "pydantic_core", "fastapi", "starlette", "builtins", "uuid", "ipaddress")
#: Entries of a schema that are data.
_DATA = {"default", "metadata", "ref", "schema_ref", "expected", "cls", "members"}
#: Entries that call code of a class or a plugin.
_CALLS = ("post_init", "custom_init", "default_factory", "missing", "computed_fields")


def is_pure(field: Any) -> bool:
    """Returns true if FastAPI's `ModelField` runs no code of a plugin."""
    if getattr(field.field_info, "default_factory", None) is not None:
        return False
    schema = _schema(field)
    return schema is not None and all(_is_pure(node) for node in _nodes(schema))


def _schema(field: Any) -> Any:
    return getattr(getattr(field, "_type_adapter", None), "core_schema", None)


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Yields all parts of a schema."""
    pending = [schema]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            yield node
            pending.extend(value for key, value in node.items() if key not in _DATA)
        elif isinstance(node, (list, tuple)):
            pending.extend(node)


def _is_pure(node: dict[str, Any]) -> bool:
    if any(node.get(name) for name in _CALLS):
        return False
    function = node.get("function")
    if function is None:
        return True
    if isinstance(function, dict):
        function = function.get("function")
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] in _KNOWN
