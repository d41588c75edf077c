"""The JSON Schema of an annotation."""

from __future__ import annotations

import inspect
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, get_args, get_origin

import msgspec

from skills_host.functions.annotation import Part

_REFERENCE = "#/components/schemas/{name}"


def of(annotation: Any, pydantic: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the schema, and the components it refers to.

    Args:
        annotation: The annotation, which msgspec describes.
        pydantic: A `TypeAdapter` that describes it instead, or `None`.
    """
    if pydantic is not None:
        schema = pydantic.json_schema(ref_template=_REFERENCE.replace("name", "model"))
        return schema, schema.pop("$defs", {})
    (schema,), components = msgspec.json.schema_components(
        [annotation], schema_hook=_other, ref_template=_REFERENCE
    )
    return schema, components


class Order:
    """Puts choices into the order in which they were declared; msgspec sorts them.

    Args:
        parts: The annotation with all its parts.
    """

    def __init__(self, parts: list[Part]) -> None:
        self._declared = [values for part in parts if (values := _values(part.of))]

    def of(self, schema: Any) -> Any:
        """Returns a schema, or a part of one, with its choices in order."""
        if isinstance(schema, list):
            return [self.of(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        ordered = {key: self.of(value) for key, value in schema.items()}
        if isinstance(schema.get("enum"), list):
            ordered["enum"] = self._sorted(schema["enum"])
        return ordered

    def _sorted(self, choices: list[Any]) -> list[Any]:
        for values in self._declared:
            if len(values) == len(choices) and all(choice in values for choice in choices):
                return values
        return choices


def _values(annotation: Any) -> list[Any]:
    """Returns the choices of a `Literal` or an enum; empty for other types."""
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    if inspect.isclass(annotation) and issubclass(annotation, Enum):
        return [member.value for member in annotation]
    return []


def _other(annotation: Any) -> dict[str, Any]:
    if inspect.isclass(annotation) and issubclass(annotation, PurePath):
        return {"type": "string", "format": "path"}
    return {}
