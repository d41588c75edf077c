"""What becomes of a handler's result: validation, serialization, response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from skills_host.plan import internals
from skills_host.plan.purity import is_pure
from skills_host.plan.reason import Unplanned

if TYPE_CHECKING:
    from _skills_host import Call

#: Results of plain JSON values that may be written as they are; see `Result.plain`.
Plain = Literal["any", "dict", "encoder"]

_OPTIONS = (
    "include",
    "exclude",
    "by_alias",
    "exclude_unset",
    "exclude_defaults",
    "exclude_none",
)


class Result:
    """The results of one route, as FastAPI answers with them.

    Attributes:
        plain: Results of plain JSON values that may be written as they are: `"any"`, only a
            `"dict"`, any without the keys that FastAPI's `"encoder"` leaves out, or `None`.
        status: The HTTP status; `None` for that of the response class.
        is_json: True if the answer is JSON of the default class, with a body.
        has_field: True if results are validated.
        is_pure: True if results are validated, and neither that nor their serialization runs code
            of a plugin.
    """

    def __init__(self, route: Any) -> None:
        from fastapi.datastructures import DefaultPlaceholder
        from fastapi.responses import JSONResponse

        if getattr(route, "stream_item_type", None) is not None:
            raise Unplanned("it streams")
        self._route = route
        self._field = route.response_field
        self._options = {name: getattr(route, f"response_model_{name}") for name in _OPTIONS}
        self._class = route.response_class
        self._is_default = isinstance(self._class, DefaultPlaceholder)
        if self._is_default:
            self._class = self._class.value
        if internals.is_event_stream(self._class):
            raise Unplanned("it streams events")
        self.status: int | None = route.status_code
        self.is_json = self._class is JSONResponse and has_body(self.status or 200)
        self.has_field = self._field is not None
        self.is_pure = self._field is not None and is_pure(self._field)
        self._to_json = getattr(self._field, "serialize_json", None) if self._is_default else None
        self.plain = self._plain() if self.is_json else None

    def validated(self, result: Any, call: Call) -> Any:
        """Returns what the response model makes of a result.

        Raises:
            ResponseValidationError: It makes nothing of it.
        """
        if self._field is None:
            return result
        value, errors = self._field.validate(result, {}, loc=("response",))
        if errors:
            from fastapi import _compat
            from fastapi.exceptions import ResponseValidationError

            context = internals.context(self._route, call.method)
            options: dict[str, Any] = {"endpoint_ctx": context} if context else {}
            normalize = getattr(_compat, "_normalize_errors", None)
            errors = normalize(errors) if normalize else errors
            raise ResponseValidationError(errors=errors, body=result, **options)
        return value

    def content(self, value: Any) -> Any:
        """Returns the content of a response: JSON bytes where FastAPI serializes to them."""
        if self._field is None:
            from fastapi.encoders import jsonable_encoder

            return jsonable_encoder(value)
        if self._to_json is not None:
            return self._to_json(value, **self._options)
        return self._field.serialize(value, **self._options)

    def json(self, value: Any) -> bytes:
        """Returns a validated value as JSON, as the default class writes it."""
        content = self.content(value)
        if self._to_json is not None:
            return bytes(content)
        return bytes(self._class(content).body)

    def response(self, value: Any, status: int | None, background: Any) -> Any:
        """Returns the response for a validated value."""
        content = self.content(value)
        options = {"background": background}
        if status is not None:
            options["status_code"] = status
        if self._to_json is not None:
            from fastapi.responses import Response

            made = Response(content=content, media_type="application/json", **options)
        else:
            made = self._class(content, **options)
        if not has_body(made.status_code):
            made.body = b""
        return made

    def _plain(self) -> Plain | None:
        if self._field is None:
            return "encoder"
        changed = {name for name, value in self._options.items() if value not in (None, False)}
        if changed - {"by_alias"}:
            return None
        model = self._route.response_model
        if model is Any:
            return "any"
        of_any = get_origin(model) is dict and get_args(model) in ((str, Any), (Any, Any))
        return "dict" if model is dict or of_any else None


def has_body(status: int) -> bool:
    """Returns true if an answer of that status has a body."""
    from fastapi.utils import is_body_allowed_for_status_code

    return status == 200 or is_body_allowed_for_status_code(status)
