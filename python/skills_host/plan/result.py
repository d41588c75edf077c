"""Encoding of a handler's results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from skills_host.plan.reason import Unplanned

#: Results of plain JSON values that may be written as they are; see `encoding`.
Plain = Literal["any", "dict", "encoder"]


def encoding(route: Any) -> tuple[Plain | None, Callable[[Any], bytes]]:
    """Returns the encoding of a route's results.

    Returns:
        The results of plain JSON values that may be written as they are: `"any"`, only a `"dict"`,
        any without the keys that FastAPI's `"encoder"` leaves out, or `None`; and the encoder to
        JSON bytes of all other results.
    """
    from fastapi.encoders import jsonable_encoder
    from fastapi.exceptions import ResponseValidationError

    field = route.response_field
    if field is not None and len(route.methods) > 1:
        raise Unplanned("it checks its results and has several methods")
    if field is None:

        def encode(result: Any) -> bytes:
            return _written(jsonable_encoder(result))

        return "encoder", encode

    options = {
        option: getattr(route, f"response_model_{option}")
        for option in (
            "include",
            "exclude",
            "by_alias",
            "exclude_unset",
            "exclude_defaults",
            "exclude_none",
        )
    }
    to_json = getattr(field, "serialize_json", None)

    def encode_field(result: Any) -> bytes:
        value, errors = field.validate(result, {}, loc=("response",))
        if errors:
            raise ResponseValidationError(errors=errors, body=result, **_context(route))
        if to_json is not None:
            written: bytes = to_json(value, **options)
            return written
        return _written(field.serialize(value, **options))

    return _plain_annotation(route, options), encode_field


def _written(content: Any) -> bytes:
    """Returns JSON as FastAPI's own response writes it."""
    from fastapi.responses import JSONResponse

    return bytes(JSONResponse(content).body)


def _context(route: Any) -> dict[str, Any]:
    """Returns the place of an invalid result, part of the error in newer FastAPI versions."""
    import fastapi.routing

    extract = getattr(fastapi.routing, "_extract_endpoint_context", None)
    if extract is None:
        return {}
    context = extract(route.dependant.call)
    if route.dependant.path:
        context["path"] = f"{next(iter(route.methods))} {route.dependant.path}"
    return {"endpoint_ctx": context}


def _plain_annotation(route: Any, options: dict[str, Any]) -> Plain | None:
    """Returns the results of plain values that pass the response model unchanged."""
    changed = {name for name, value in options.items() if value not in (None, False)} - {"by_alias"}
    if changed:
        return None
    model = route.response_model
    if model is Any:
        return "any"
    of_any = get_origin(model) is dict and get_args(model) in ((str, Any), (Any, Any))
    return "dict" if model is dict or of_any else None
