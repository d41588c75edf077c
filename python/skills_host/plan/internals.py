"""FastAPI's own functions and rules that direct calls follow: all of its private names are here.

FastAPI moves them between versions. Each is looked up when a plugin is planned; a version without
one of them has no plans, and FastAPI itself serves every request.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Literal, get_args

from skills_host.plan.reason import Unplanned

#: How a callable is called: on a thread, awaited, or entered as a context manager in either way.
Kind = Literal["function", "coroutine", "generator", "async generator"]

#: Where FastAPI has the stacks in the scope: that of files (0), of what is closed late (1), and
#: early (2); the second name of the second is that of old versions.
STACKS = {
    "fastapi_middleware_astack": 0,
    "fastapi_inner_astack": 1,
    "fastapi_astack": 1,
    "fastapi_function_astack": 2,
}
#: Where it has the scopes of cancellation around clean-ups.
CLEANUPS = "fastapi_async_cleanup_scopes"

#: From this version on, dependencies that `yield` are closed after the answer was sent.
_LATE_EXIT = (0, 118)


@functools.cache
def version() -> tuple[int, ...]:
    """Returns the numbers of FastAPI's version."""
    import fastapi

    numbers = []
    for part in fastapi.__version__.split(".")[:2]:
        if not part.isdigit():
            raise Unplanned(f"FastAPI {fastapi.__version__} is not a released version")
        numbers.append(int(part))
    return tuple(numbers)


def exits_late() -> bool:
    """Returns true if dependencies that `yield` are closed after the answer was sent."""
    return version() >= _LATE_EXIT


def kind(call: Callable[..., Any]) -> Kind:
    """Returns how FastAPI calls a dependency."""
    is_generator, is_async_generator, is_coroutine = _classifiers()
    if is_generator(call):
        return "generator"
    if is_async_generator(call):
        return "async generator"
    return "coroutine" if is_coroutine(call) else "function"


@functools.cache
def _classifiers() -> tuple[Callable[[Any], bool], ...]:
    from fastapi.dependencies import models, utils

    names = ("is_gen_callable", "is_async_gen_callable", "is_coroutine_callable")
    for module, prefix in ((models, "_"), (utils, "")):
        found = [getattr(module, prefix + name, None) for name in names]
        if all(found):
            return tuple(each for each in found if each)
    if not all(hasattr(models.Dependant, name) for name in names):
        raise Unplanned("this FastAPI does not say how it calls a dependency")
    return tuple(
        lambda call, name=name: bool(getattr(models.Dependant(call=call), name)) for name in names
    )


@functools.cache
def closes_always() -> bool:
    """Returns true if `def` generators are closed whatever was raised, not for an `Exception` only.

    Others are left to the garbage collector.
    """
    from fastapi.concurrency import contextmanager_in_threadpool

    return "BaseException" in inspect.getsource(contextmanager_in_threadpool)


def cache_key(dependant: Any) -> Any:
    """Returns the key by which the result of a dependency is shared within a request."""
    from fastapi.dependencies import models

    own = getattr(models, "_get_cache_key", None)
    return dependant.cache_key if own is None else own(dependant=dependant)


def scopes(dependant: Any) -> list[str]:
    """Returns the security scopes that a dependency is asked for."""
    from fastapi.dependencies import models

    own = getattr(models, "_get_oauth_scopes", None)
    if own is not None:
        return list(own(dependant=dependant))
    found = getattr(dependant, "oauth_scopes", None)
    return list((dependant.security_scopes if found is None else found) or [])


def parameters(dependant: Any, request: Any) -> tuple[dict[str, Any], list[Any]]:
    """Returns the values of a dependency's parameters outside of the body, and the errors."""
    from fastapi.dependencies.utils import request_params_to_args

    values: dict[str, Any] = {}
    errors: list[Any] = []
    for fields, received in (
        (dependant.path_params, request.path_params),
        (dependant.query_params, request.query_params),
        (dependant.header_params, request.headers),
        (dependant.cookie_params, request.cookies),
    ):
        if fields:
            own, own_errors = request_params_to_args(fields, received)
            values.update(own)
            errors += own_errors
    return values, errors


@functools.cache
def body_reader() -> Callable[
    [Any, Any, bool], Coroutine[Any, Any, tuple[dict[str, Any], list[Any]]]
]:
    """Returns the function from body fields, a body and whether they are embedded to values."""
    from fastapi.dependencies.utils import request_body_to_args

    if "embed_body_fields" in inspect.signature(request_body_to_args).parameters:
        return request_body_to_args
    return lambda fields, body, _embedded: request_body_to_args(fields, body)  # type: ignore[call-arg]


@functools.cache
def no_body() -> Any:
    """Returns what stands for the body of a request without one."""
    from fastapi.dependencies.utils import solve_dependencies

    return inspect.signature(solve_dependencies).parameters["body"].default


def plain_form_fields(fields: list[Any]) -> list[tuple[Any, str]] | None:
    """Returns fields of a form with their names, if each is one text or one file.

    Such a field is validated by itself where the form has it.
    """
    from fastapi import UploadFile, params

    plain = []
    for field in fields:
        info = field.field_info
        kinds = {str, int, float, bool, UploadFile}
        is_plain = isinstance(info, params.Form) and _without_none(info.annotation) in kinds
        aliases = {getattr(each, "validation_alias", None) for each in (field, info)}
        if not is_plain or aliases - {None, field.alias} or _is_json(info):
            return None
        plain.append((field, field.alias))
    return plain or None


def _without_none(annotation: Any) -> Any:
    kinds = [each for each in get_args(annotation) if each is not type(None)]
    return kinds[0] if len(kinds) == 1 and len(get_args(annotation)) == 2 else annotation


def _is_json(info: Any) -> bool:
    from pydantic import Json

    return any(type(each) is Json or each is Json for each in info.metadata)


def form_limits(scope: Mapping[str, Any], route: Any) -> dict[str, Any]:
    """Returns the limits of a route's form, as `Request.form` takes them."""
    import fastapi.routing

    resolve = getattr(fastapi.routing, "_resolve_form_limits", None)
    if resolve is None:
        return {}
    original = getattr(route, "original_route", route)
    return dict(resolve(scope.get("fastapi", {}), getattr(original, "form_limits", None)))


def invalid(errors: list[Any], body: Any, context: dict[str, Any]) -> Exception:
    """Returns the exception of a request whose values are not valid."""
    from fastapi import _compat
    from fastapi.exceptions import RequestValidationError

    normalize = getattr(_compat, "_normalize_errors", None)
    options: dict[str, Any] = {"endpoint_ctx": context} if _takes_context() else {}
    shown = None if body is no_body() else body
    return RequestValidationError(normalize(errors) if normalize else errors, body=shown, **options)


@functools.cache
def _takes_context() -> bool:
    from fastapi.exceptions import RequestValidationError

    return "endpoint_ctx" in inspect.signature(RequestValidationError).parameters


def context(route: Any, method: str) -> dict[str, Any]:
    """Returns the place of a handler, part of validation errors in newer versions."""
    import fastapi.routing

    extract = getattr(fastapi.routing, "_extract_endpoint_context", None)
    if extract is None:
        return {}
    found: dict[str, Any] = dict(extract(route.dependant.call))
    if route.dependant.path:
        found["path"] = f"{method} {route.dependant.path}"
    return found


def is_event_stream(response_class: Any) -> bool:
    """Returns true for the class of server-sent events, whose handlers FastAPI treats otherwise."""
    import fastapi.routing

    own = getattr(fastapi.routing, "EventSourceResponse", None)
    return own is not None and isinstance(response_class, type) and issubclass(response_class, own)


def strict_content_type(route: Any) -> bool:
    """Returns true if a body without a content type is not read as JSON."""
    found = getattr(route, "strict_content_type", False)
    return bool(getattr(found, "value", found))


def _of_plugin(provider: Any) -> Any:
    """Returns a provider of traces, unless it is that of `skills_host.otel`."""
    return None if provider is None or hasattr(provider, "is_of_daemon") else provider


class Telemetry:
    """FastAPI's question whether it traces a request.

    Args:
        enabled: FastAPI's own function.
        providers: Where it looks for providers: the variables of a module, and the name of one.

    Attributes:
        providers: As given; a request is not traced while all of them are `None` or the daemon's
            own, if there are any.
    """

    def __init__(
        self, enabled: Callable[[], bool], providers: Sequence[tuple[dict[str, Any], str]]
    ) -> None:
        self._enabled = enabled
        self.providers = providers

    def __call__(self) -> bool:
        """Returns whether the request at hand is traced."""
        if not self.providers:
            return self._enabled()
        # Nearly all of FastAPI's own question is spent where nothing is set.
        is_set = any(_of_plugin(module[name]) is not None for module, name in self.providers)
        return is_set and self._enabled()


def telemetry(app: Any) -> Telemetry | None:
    """Returns the function by which FastAPI decides whether it traces a request, if any."""
    enabled: Callable[[], bool] | None
    enabled = getattr(getattr(app, "_native_telemetry", None), "enabled", None)
    if not callable(enabled):
        return None
    # Sets what the environment names.
    enabled()
    from opentelemetry import _logs, metrics, trace

    places = (
        (trace, "_TRACER_PROVIDER"),
        (getattr(metrics, "_internal", None), "_METER_PROVIDER"),
        (getattr(_logs, "_internal", None), "_LOGGER_PROVIDER"),
    )
    if not all(hasattr(module, name) for module, name in places):
        return Telemetry(enabled, ())
    return Telemetry(enabled, [(vars(module), name) for module, name in places])
