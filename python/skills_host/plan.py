"""Call plans: which routes can be called without FastAPI, and how.

A route gets a plan when its parameters are path, query, header or cookie parameters and nothing
else decides the call: no request body, no dependencies, no `Request` or `Response` parameter, no
response class of its own. The library binds a request by the plan; the kinds it knows (`str`,
`int`, `float`, `bool`, choices) it converts itself, for all others it passes the text on and the
field's own validator converts it here. A request that does not satisfy its plan goes to FastAPI,
whose answer is then the right one: nothing has run before.

Plans are made from what FastAPI itself found out about a route (`dependant`), so there is one
reading of a signature. Whatever is not understood makes a route without a plan, with the reason,
never a wrong plan.
"""

from __future__ import annotations

import copy
import inspect
import types
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from _skills_host import Binder
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen

#: Values that may be shared between requests.
_IMMUTABLE = (str, int, float, bool, bytes, Enum, type(None))
#: Integers beyond this are left to FastAPI; the library's own are 64 bits wide.
_INT_MAX = 2**63 - 1


class Unplanned(Exception):
    """A route cannot be called directly; the message says why."""


class Parameter:
    """How one parameter gets its value.

    Attributes:
        name: Keyword of the handler.
        spec: What the library needs to bind it.
        validate: Converts what the library passes on as text; `None` where it converts itself.
        default: Makes the value for a request that has none.
        constant: The default, where all requests may share it.
        choices: Values by number, where the library chooses one.
    """

    def __init__(self, field: Any, location: str) -> None:
        self.name: str = field.name
        info = field.field_info
        if getattr(field, "validation_alias", None) not in (None, field.alias):
            raise Unplanned(f"parameter {self.name} has a validation alias")
        if getattr(info, "validate_default", None):
            raise Unplanned(f"the default of parameter {self.name} is validated")
        self.required = _is_required(field)
        self.choices: list[Any] = []
        kind = self._kind(info)
        self.validate = _validator(field) if kind["kind"] in ("text", "texts") else None
        self.constant: Any = None
        self.default: Callable[[], Any] | None = None
        if not self.required:
            self._set_default(field)
            if kind["kind"] == "texts" and field.field_info.default:
                # FastAPI versions differ in whether they validate it.
                raise Unplanned(f"parameter {self.name} is a list with a default")
        self.spec = {
            "name": field.alias,
            "in": location,
            "required": self.required,
            **kind,
        }

    def _set_default(self, field: Any) -> None:
        if field.field_info.default_factory is not None:
            self.default = field.get_default
            return
        value = field.field_info.default
        if isinstance(value, _IMMUTABLE):
            self.constant = value
        else:
            self.default = lambda: copy.deepcopy(value)

    def _kind(self, info: Any) -> dict[str, Any]:
        """What the library is told of the type: a kind it knows, else `text` or `texts`."""
        annotation, metadata = _without_none(info.annotation), list(info.metadata)
        if _is_sequence(annotation):
            return {"kind": "texts"}
        if _holds_model(annotation):
            raise Unplanned(f"parameter {self.name} is a model")
        limits = _limits(metadata)
        if annotation in (int, float) and limits is not None and not limits.keys() & {"min_len"}:
            return {"kind": annotation.__name__, **limits}
        if annotation is str and limits is not None and not limits.keys() - {"min_len", "max_len"}:
            return {"kind": "str", **limits}
        if annotation is bool and not metadata:
            return {"kind": "bool"}
        choices = _choices(annotation) if not metadata else None
        if choices is not None:
            self.choices = list(choices.values())
            return {"kind": "choice", "choices": list(choices)}
        return {"kind": "text"}


class Plan:
    """How to call one route directly.

    Attributes:
        endpoint: The handler.
        is_async: True for `async def`.
        status: HTTP status of an answer that is no `Response`.
        parameters: The parameters, in the order in which the library binds them.
        binder: Makes the handler's arguments, and an answer of a result that is plain JSON.
        encode: Turns any other result into JSON bytes as FastAPI does.
    """

    def __init__(self, route: Any) -> None:
        dependant = route.dependant
        _refuse_special(route, dependant)
        self.endpoint: Callable[..., Any] = dependant.call
        self.is_async = _is_async(self.endpoint)
        self.status: int = route.status_code or 200
        if self.status < 200 or self.status in (204, 205, 304):
            raise Unplanned(f"status {self.status} has no body")
        self.parameters = [
            Parameter(field, location)
            for location in ("path", "query", "header", "cookie")
            for field in getattr(dependant, f"{location}_params")
        ]
        plain, self.encode = _response(route)
        self.binder = Binder(
            [
                (
                    parameter.name,
                    parameter.constant,
                    parameter.default,
                    parameter.choices,
                    parameter.validate,
                )
                for parameter in self.parameters
            ],
            self.status,
            plain,
        )

    def spec(self) -> dict[str, Any]:
        """What the library needs to bind a request."""
        return {
            "is_async": self.is_async,
            "parameters": [parameter.spec for parameter in self.parameters],
        }


def routes(app: Any, prefix: str) -> tuple[list[dict[str, Any]], list[Plan]]:
    """Describes all routes of `app` in order of declaration and plans those that can be.

    Args:
        app: A FastAPI application.
        prefix: What all paths begin with; it is taken off.

    Returns:
        The routes for the library, and the plans they number.
    """
    described: list[dict[str, Any]] = []
    plans: list[Plan] = []
    for route in _iterate(app):
        path = getattr(route, "path", None)
        methods = getattr(route, "methods", None)
        if not isinstance(path, str) or not path.startswith(prefix):
            # Matches nobody knows what: from here on nothing is certain.
            described.append({"path": None, "why": f"{type(route).__name__} without a path"})
            continue
        entry: dict[str, Any] = {
            "path": path.removeprefix(prefix),
            "methods": sorted(methods) if methods else None,
        }
        try:
            plan = Plan(route)
        except Unplanned as reason:
            entry["why"] = str(reason)
        except Exception as error:
            entry["why"] = f"not understood ({type(error).__name__}: {error})"
        else:
            entry["plan"] = {"number": len(plans), **plan.spec()}
            plans.append(plan)
        described.append(entry)
    return described, plans


def _iterate(app: Any) -> Iterator[Any]:
    """All routes with their whole paths; newer FastAPI versions nest those of included routers."""
    import fastapi.routing

    newer = getattr(fastapi.routing, "iter_route_contexts", None)
    return iter(app.router.routes) if newer is None else newer(app.router.routes)


def _refuse_special(route: Any, dependant: Any) -> None:
    from fastapi.datastructures import DefaultPlaceholder
    from fastapi.responses import JSONResponse
    from fastapi.routing import APIRoute
    from starlette.convertors import PathConvertor, StringConvertor

    original = getattr(route, "original_route", route)
    if not isinstance(original, APIRoute):
        raise Unplanned(f"it is a {type(original).__name__}")
    if type(original).get_route_handler is not APIRoute.get_route_handler:
        raise Unplanned(f"{type(original).__name__} handles it its own way")
    if dependant is None or dependant.call is None:
        raise Unplanned("it has no handler")
    if dependant.dependencies:
        raise Unplanned("it has dependencies")
    if dependant.body_params or getattr(route, "body_field", None) is not None:
        raise Unplanned("it reads a request body")
    for kind in ("request", "websocket", "http_connection", "response", "background_tasks"):
        if getattr(dependant, f"{kind}_param_name", None):
            raise Unplanned(f"it takes the {kind.replace('_', ' ')}")
    if getattr(dependant, "security_scopes_param_name", None):
        raise Unplanned("it takes the security scopes")
    for name, convertor in route.param_convertors.items():
        if type(convertor) not in (StringConvertor, PathConvertor):
            raise Unplanned(f"a convertor makes parameter {name}")
    response_class = route.response_class
    if isinstance(response_class, DefaultPlaceholder):
        response_class = response_class.value
    elif response_class is JSONResponse:
        raise Unplanned("its response class is set by hand")
    if response_class is not JSONResponse:
        raise Unplanned(f"its response class is {response_class.__name__}")
    if getattr(route, "stream_item_type", None) is not None:
        raise Unplanned("it streams")


def _is_async(endpoint: Callable[..., Any]) -> bool:
    innermost = inspect.unwrap(endpoint)
    kinds = {inspect.iscoroutinefunction(function) for function in (endpoint, innermost)}
    generators = (inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(is_kind(function) for is_kind in generators for function in (endpoint, innermost)):
        raise Unplanned("it is a generator")
    if not isinstance(endpoint, (types.FunctionType, types.MethodType)) or len(kinds) != 1:
        raise Unplanned("it is not a plain function")
    return kinds.pop()


def _is_required(field: Any) -> bool:
    required = getattr(field, "required", None)
    return field.field_info.is_required() if required is None else bool(required)


def _validator(field: Any) -> Callable[[Any], tuple[Any, Any]]:
    return lambda value: field.validate(value, {}, loc=("query", field.alias))


def _without_none(annotation: Any) -> Any:
    """`X` of `X | None`; a union of several stays as it is."""
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return annotation


def _is_sequence(annotation: Any) -> bool:
    from fastapi._compat import field_annotation_is_sequence

    return field_annotation_is_sequence(annotation)


def _holds_model(annotation: Any) -> bool:
    from pydantic import BaseModel

    parts = [annotation, *get_args(annotation)]
    return any(isinstance(part, type) and issubclass(part, BaseModel) for part in parts)


def _limits(metadata: list[Any]) -> dict[str, Any] | None:
    """Constraints the library can check, or `None` if there are others."""
    limits: dict[str, Any] = {}
    for item in metadata:
        for kind, name in ((Ge, "ge"), (Gt, "gt"), (Le, "le"), (Lt, "lt")):
            if type(item) is kind:
                bound = getattr(item, name)
                if isinstance(bound, bool) or not isinstance(bound, (int, float)):
                    return None
                if isinstance(bound, int) and abs(bound) > _INT_MAX:
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
    """Value by text, for a `Literal` of texts or an enum of texts."""
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


def _response(route: Any) -> tuple[str | None, Callable[[Any], bytes]]:
    """How results are written.

    Returns:
        Which results of plain JSON values may be written as they are: `"any"`, only a `"dict"`, any
        but with the keys left out that FastAPI's `"encoder"` leaves out, or `None`; and the way to
        JSON bytes for everything else.
    """
    from fastapi.encoders import jsonable_encoder
    from fastapi.exceptions import ResponseValidationError
    from fastapi.responses import JSONResponse

    field = route.response_field
    if field is not None and len(route.methods) > 1:
        raise Unplanned("it checks its results and has several methods")
    if field is None:

        def encode(result: Any) -> bytes:
            return JSONResponse(jsonable_encoder(result)).body

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
            return to_json(value, **options)
        return JSONResponse(field.serialize(value, **options)).body

    return _plain_annotation(route, options), encode_field


def _context(route: Any) -> dict[str, Any]:
    """Where a result is wrong, which newer FastAPI versions put into the error's text."""
    import fastapi.routing

    extract = getattr(fastapi.routing, "_extract_endpoint_context", None)
    if extract is None:
        return {}
    context = extract(route.dependant.call)
    if route.dependant.path:
        context["path"] = f"{next(iter(route.methods))} {route.dependant.path}"
    return {"endpoint_ctx": context}


def _plain_annotation(route: Any, options: dict[str, Any]) -> str | None:
    """Which results of plain values pass the response model unchanged."""
    changed = {name for name, value in options.items() if value not in (None, False)} - {"by_alias"}
    if changed:
        return None
    model = route.response_model
    if model is Any:
        return "any"
    of_any = get_origin(model) is dict and get_args(model) in ((str, Any), (Any, Any))
    return "dict" if model is dict or of_any else None
