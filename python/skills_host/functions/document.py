"""The OpenAPI document of a plugin of plain functions."""

from __future__ import annotations

import contextlib
import json
from typing import Any, get_args

import msgspec

from skills_daemon.agents import MEDIA, Audio, Image
from skills_host.functions.annotation import parts, without_none
from skills_host.functions.command import Command
from skills_host.functions.signature import Parameter
from skills_host.functions.value import Type, to_json

#: Schemas of a 422 as in newer FastAPI versions, so that all plugins share them.
_PROBLEMS: dict[str, Any] = {
    "HTTPValidationError": {
        "properties": {
            "detail": {
                "items": {"$ref": "#/components/schemas/ValidationError"},
                "type": "array",
                "title": "Detail",
            }
        },
        "type": "object",
        "title": "HTTPValidationError",
    },
    "ValidationError": {
        "properties": {
            "loc": {
                "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                "type": "array",
                "title": "Location",
            },
            "msg": {"type": "string", "title": "Message"},
            "type": {"type": "string", "title": "Error Type"},
            "input": {"title": "Input"},
            "ctx": {"type": "object", "title": "Context"},
        },
        "type": "object",
        "required": ["loc", "msg", "type"],
        "title": "ValidationError",
    },
}

_BINARY = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


def document(name: str, version: str, description: str, commands: list[Command]) -> dict[str, Any]:
    """Returns the document, with all paths below `/{name}`."""
    components = dict(_PROBLEMS)
    paths = {
        f"/{name}{command.path}": {command.method.lower(): _operation(name, command, components)}
        for command in commands
    }
    info = {"title": name, "version": version}
    if description:
        info["description"] = description
    return {
        "openapi": "3.1.0",
        "info": info,
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(name: str, command: Command, components: dict[str, Any]) -> dict[str, Any]:
    signature = command.signature
    operation: dict[str, Any] = {
        "tags": [name.capitalize()],
        "summary": signature.summary or command.name.replace("-", " ").capitalize(),
        "operationId": f"{name}_{command.name.replace('-', '_')}_{command.method.lower()}",
        "responses": {
            "200": {
                "description": "Successful Response",
                "content": _answer(command, components),
            },
            "422": {
                "description": "Validation Error",
                "content": _content({"$ref": "#/components/schemas/HTTPValidationError"}),
            },
        },
    }
    if signature.text:
        operation["description"] = signature.text
    schemas = {each.name: _schema(each, components) for each in signature.parameters}
    if command.in_query:
        operation["parameters"] = [
            {
                "name": each.name,
                "in": "query",
                "required": each.required,
                "schema": schemas[each.name],
                **({"description": each.help} if each.help else {}),
            }
            for each in signature.parameters
        ]
    elif signature.parameters:
        for each in signature.parameters:
            if each.help:
                schemas[each.name]["description"] = each.help
        body = {"type": "object", "properties": schemas}
        required = [each.name for each in signature.parameters if each.required]
        if required:
            body["required"] = required
        operation["requestBody"] = {"required": bool(required), "content": _content(body)}
    if not command.agents:
        operation["x-agents"] = False
    if signature.stdin is not None:
        operation["requestBody"] = {"required": False, "content": _BINARY}
    return operation


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _answer(command: Command, components: dict[str, Any]) -> dict[str, Any]:
    """Returns the content of the answer; of a stream, the schema is that of each line."""
    result = without_none(command.signature.result)
    if result in (bytes, bytearray, memoryview) or command.sends_file:
        return _BINARY
    if result in (Image, Audio):
        return _BINARY
    if not command.is_stream:
        return _content(_result(command.signature.result, components))
    items = get_args(command.signature.result)
    schema = _result(items[0], components) if items else {}
    return {"application/jsonl": {"schema": schema}}


def _result(result: Any, components: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of the result; empty if its type has none, or media are in it."""
    if any(part.of is each for part in parts(result) for each in MEDIA):
        return {}
    try:
        schema, more = Type(result).schema()
    except Exception:
        return {}
    components.update(more)
    return schema


def _schema(parameter: Parameter, components: dict[str, Any]) -> dict[str, Any]:
    schema, more = parameter.type.schema()
    components.update(more)
    schema = dict(schema)
    if not parameter.required:
        # A default that is not JSON is left out: no client could send it either.
        with contextlib.suppress(TypeError, ValueError, msgspec.MsgspecError):
            schema["default"] = json.loads(to_json(parameter.default))
    return schema
