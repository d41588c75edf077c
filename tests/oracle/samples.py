"""Values of JSON that a type takes, and values that are nearly so."""

from __future__ import annotations

import copy
import functools
import json
import random
from collections.abc import Callable
from typing import Any

import pydantic
from corpus import ANY
from values import good, is_many

#: A text for each format of JSON Schema.
_FORMATS = {
    "date": "2024-02-29",
    "date-time": "2024-02-29T01:02:03Z",
    "time": "01:02:03",
    "duration": "P1DT2S",
    "uuid": "12345678-1234-5678-1234-567812345678",
    "uri": "http://h/p",
    "binary": "ab",
    "json-string": "[1, 2]",
    "password": "secret",
}
#: How deep a model of itself is made.
_DEPTH = 4


def sample(annotation: Any, whole: bool = False) -> Any:
    """A value that a body of this type takes.

    Args:
        annotation: The type.
        whole: Whether it has what may be left out, too.
    """
    text = _sample(_Key(annotation), whole)
    return json.loads(text)


class _Key:
    """A type as a key of a cache: types with defaults cannot be hashed."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation
        self._text = repr(annotation)

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._text == other._text


@functools.cache
def _sample(key: _Key, whole: bool) -> str:
    annotation = key.annotation
    try:
        adapter = pydantic.TypeAdapter(annotation)
        schema = adapter.json_schema()
        made = json.dumps(_of(schema, schema.get("$defs", {}), whole, 0))
        adapter.validate_json(made)
    except (pydantic.PydanticUserError, ValueError, TypeError, KeyError, RecursionError):
        return json.dumps(_guess(annotation))
    return made


def _guess(annotation: Any) -> Any:
    """For a type without a schema, or with an incomplete one."""
    text = good(annotation)
    return [json_of(text)] if is_many(annotation) else json_of(text)


def json_of(text: str) -> Any:
    """`text` as the number it may be, or as it is."""
    try:
        return int(text) if len(text) < 20 else text
    except ValueError:
        return text


def _of(schema: dict[str, Any], known: dict[str, Any], whole: bool, depth: int) -> Any:
    """A value of `schema`; `known` are the schemas it refers to."""
    inner: Callable[[dict[str, Any]], Any] = lambda own: _of(own, known, whole, depth + 1)  # noqa: E731
    if reference := schema.get("$ref"):
        return inner(known[reference.rpartition("/")[2]])
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return inner(schema[several][0])
    kind = schema.get("type", "any")
    if kind == "object":
        return _object(schema, inner, whole and depth < _DEPTH)
    if kind == "array":
        first = [inner(own) for own in schema.get("prefixItems", [])]
        rest = max(schema.get("minItems", 0) - len(first), int(whole and depth < _DEPTH))
        return first or [inner(schema.get("items") or {}) for _ in range(rest)]
    plain = {"boolean": True, "null": None, "any": "x"}
    return plain[kind] if kind in plain else _scalar(kind, schema)


def _object(
    schema: dict[str, Any], inner: Callable[[dict[str, Any]], Any], whole: bool
) -> dict[str, Any]:
    required = schema.get("required", [])
    properties = schema.get("properties", {})
    made = {name: inner(own) for name, own in properties.items() if whole or name in required}
    if whole and isinstance(schema.get("additionalProperties"), dict):
        made["1"] = inner(schema["additionalProperties"])
    return made


def _scalar(kind: str, schema: dict[str, Any]) -> Any:
    if kind == "string":
        text = _FORMATS.get(schema.get("format", ""), "x")
        return text * max(schema.get("minLength", 1), 1) if text == "x" else text
    least = schema.get("minimum", schema.get("exclusiveMinimum", 1))
    most = schema.get("maximum", schema.get("exclusiveMaximum", least + 2))
    return int(least) + 1 if kind == "integer" and least + 1 <= most else (least + most) / 2


def changed(value: Any, chance: random.Random) -> Any:
    """`value` with something in it left out, replaced, repeated or renamed."""
    value = [copy.deepcopy(value)]
    places = list(_places(value))
    holder, key = places[chance.randrange(len(places))]
    other = chance.choice([None, True, 0, -1, 1.5, 10**30, "", "1", [], {}, [None], *ANY[:4]])
    ways: list[Callable[[], Any]] = [
        lambda: other,
        lambda: str(holder[key]),
        lambda: [holder[key]],
        lambda: {"kind": holder[key]},
        lambda: json_of(str(holder[key])),
    ]
    if isinstance(holder, dict) and chance.random() < 0.5:
        own = holder.pop(key)
        if chance.random() < 0.5:
            holder[chance.choice([key.upper(), f"{key} ", f"_{key}", "extra", ""])] = own
    else:
        holder[key] = chance.choice(ways)()
    return value[0]


def _places(value: Any) -> Any:
    """Each container in `value` with each of its keys."""
    keys = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        yield value, key
        if isinstance(value[key], (dict, list)):
            yield from _places(value[key])


def written(value: Any, chance: random.Random) -> bytes:
    """`value` as JSON, mostly as clients write it."""
    way = chance.randrange(16)
    if way == 0:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    if way == 1:
        return json.dumps(value).encode("utf-16")
    if way == 2:
        return json.dumps(value, indent=2).encode("utf-8-sig")
    if way == 3:
        return json.dumps(value, separators=(",", ":")).encode() + b"\n\n"
    if way == 4 and isinstance(value, dict) and value:
        name, own = next(iter(value.items()))
        return f"{json.dumps(value)[:-1]}, {json.dumps(name)}: {json.dumps(own)}}}".encode()
    if way in (5, 6):
        return json.dumps(value).encode(("utf-16-le", "utf-32")[way - 5])
    if way == 7:
        return json.dumps(value).replace("1", "NaN", 1).encode()
    return json.dumps(value).encode()
