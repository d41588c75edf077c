"""Parameters of a plan: their description for the library, and their conversion in Python.

The library converts `str`, `int`, `float`, `bool` and choices; values of all other kinds are passed
on as text, which the field's own validator converts.
"""

from __future__ import annotations

import copy
import functools
import math
import types
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen

from skills_host.plan.purity import is_pure
from skills_host.plan.reason import Unplanned

#: Values that may be shared between requests.
_IMMUTABLE = (str, int, float, bool, bytes, Enum, type(None))
#: Integers beyond this are left to FastAPI; the library's own are 64 bits wide.
_INT_MAX = 2**63 - 1


class Parameter:
    """A parameter of a planned route.

    Args:
        field: FastAPI's `ModelField` of it.
        location: `path`, `query`, `header` or `cookie`.
        slot: Key of its value among the bound arguments.

    Attributes:
        slot: Key of its value among the bound arguments.
        spec: Its description, by which the library binds it.
        validate: Converts a text that the library passes on; `None` where the library converts.
        default: Makes the value for a request that has none.
        constant: The default, where all requests may share it.
        choices: Values by number, where the library chooses one.
    """

    def __init__(self, field: Any, location: str, slot: str) -> None:
        self.slot = slot
        self.name: str = field.name
        info = field.field_info
        # The field itself has the alias only if it is a text.
        if any(
            getattr(each, "validation_alias", None) not in (None, field.alias)
            for each in (field, info)
        ):
            raise Unplanned(f"parameter {self.name} has a validation alias")
        if getattr(info, "validate_default", None):
            raise Unplanned(f"the default of parameter {self.name} is validated")
        self.required = _is_required(field)
        self.choices: list[Any] = []
        kind = self._kind(info)
        if kind in ("text", "texts") and not is_pure(field):
            # Its validators run where FastAPI runs them, after the dependencies.
            raise Unplanned(f"parameter {self.name} is validated by code of the plugin")
        self.validate = _validator(field) if kind in ("text", "texts") else None
        self.constant: Any = None
        self.default: Callable[[], Any] | None = None
        if not self.required:
            self._set_default(field)
            if kind == "texts" and field.field_info.default:
                # FastAPI versions differ in whether they validate it.
                raise Unplanned(f"parameter {self.name} is a list with a default")
        self.spec = {
            "name": field.alias,
            "in": location,
            "required": self.required,
            "kind": kind,
        }

    def _set_default(self, field: Any) -> None:
        from fastapi.dependencies import utils

        is_validated = _validates_defaults(utils)
        if field.field_info.default_factory is not None:
            raise Unplanned(f"the default of parameter {self.name} is made by code of the plugin")
        value = field.field_info.default
        if is_validated and value is not None and not _passes(field, value):
            raise Unplanned(f"the default of parameter {self.name} does not pass its validation")
        if isinstance(value, _IMMUTABLE):
            self.constant = value
        else:
            self.default = lambda: copy.deepcopy(value)

    def _kind(self, info: Any) -> str | dict[str, Any]:
        """Returns the kind of the value: one the library converts, else `text` or `texts`."""
        annotation, metadata = _without_none(info.annotation), list(info.metadata)
        if _is_sequence(annotation):
            return "texts"
        if _holds_model(annotation):
            raise Unplanned(f"parameter {self.name} is a model")
        limits = _limits(metadata)
        if annotation in (int, float) and limits is not None and not limits.keys() & {"min_len"}:
            return {annotation.__name__: limits}
        if annotation is str and limits is not None and not limits.keys() - {"min_len", "max_len"}:
            return {"str": limits}
        if annotation is bool and not metadata:
            return "bool"
        choices = _choices(annotation) if not metadata else None
        if choices is not None:
            self.choices = list(choices.values())
            return {"choice": list(choices)}
        return "text"


def _is_required(field: Any) -> bool:
    required = getattr(field, "required", None)
    return field.field_info.is_required() if required is None else bool(required)


@functools.cache
def _validates_defaults(utils: types.ModuleType) -> bool:
    """Returns whether this FastAPI validates defaults; some versions from 0.109 to 0.165 do."""
    from fastapi import Query
    from starlette.datastructures import QueryParams

    def probe(v: int = Query("no number")) -> None:
        """Has an invalid default."""

    try:
        fields = utils.get_dependant(path="/", call=probe).query_params
        _, errors = utils.request_params_to_args(fields, QueryParams())
    except Exception:
        return True
    return bool(errors)


def _passes(field: Any, value: Any) -> bool:
    """Returns whether `value` passes its validation unchanged."""
    result, errors = _validator(field)(value)
    return not errors and type(result) is type(value) and repr(result) == repr(value)


def _validator(field: Any) -> Callable[[Any], tuple[Any, Any]]:
    return lambda value: field.validate(value, {}, loc=("query", field.alias))


def _without_none(annotation: Any) -> Any:
    """Returns `X` of `X | None`; any other annotation as it is."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return annotation


def _is_sequence(annotation: Any) -> bool:
    try:
        from fastapi._compat.shared import field_annotation_is_sequence
    except ImportError:
        # In older FastAPI versions it is one module.
        from fastapi._compat import field_annotation_is_sequence

    return field_annotation_is_sequence(annotation)


def _holds_model(annotation: Any) -> bool:
    from pydantic import BaseModel

    parts = [annotation, *get_args(annotation)]
    return any(isinstance(part, type) and issubclass(part, BaseModel) for part in parts)


def _limits(metadata: list[Any]) -> dict[str, Any] | None:
    """Returns the constraints by name; `None` if the library cannot check all of them."""
    limits: dict[str, Any] = {}
    for item in metadata:
        for kind, name in ((Ge, "ge"), (Gt, "gt"), (Le, "le"), (Lt, "lt")):
            if type(item) is kind:
                bound = getattr(item, name)
                if isinstance(bound, bool) or not isinstance(bound, (int, float)):
                    return None
                if isinstance(bound, int) and abs(bound) > _INT_MAX:
                    return None
                if not math.isfinite(bound):
                    # JSON has no way to write it.
                    return None
                limits[name] = bound
                break
        else:
            if type(item) is MinLen:
                limits["min_len"] = item.min_length
            elif type(item) is MaxLen:
                limits["max_len"] = item.max_length
            else:
                return None
    return limits


def _choices(annotation: Any) -> dict[str, Any] | None:
    """Returns values by text, for a `Literal` or an enum of texts; otherwise `None`."""
    if get_origin(annotation) is Literal:
        values = get_args(annotation)
        if all(type(value) is str for value in values):
            return {value: value for value in values}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        members = list(annotation)
        plain = "_missing_" not in vars(annotation)
        if plain and members and all(type(member.value) is str for member in members):
            return {member.value: member for member in members}
    return None
