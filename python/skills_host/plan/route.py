"""Call plans of FastAPI routes.

The library finds the route of a request and binds its parameters; what is certain of a request is
decided there. A plan says how the handler is then called without FastAPI's middleware, routing and
solving of dependencies, in FastAPI's order and with its own objects: `skills_host.direct`. For a
route that is more than this package supports, FastAPI's own handler of the route is called, and
the plan has the reason.

Plans are made from FastAPI's own reading of a signature (`dependant`).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from _skills_host import Binder
from skills_host.docstring import Docstring, has_parameters
from skills_host.plan import internals
from skills_host.plan.reason import Unplanned
from skills_host.plan.result import Result, has_body
from skills_host.plan.tree import Tree

if TYPE_CHECKING:
    from _skills_host import Call


class _NoTree:
    """Stands for the tree of a route whose dependencies are FastAPI's business."""

    steps = ()


class _Learning:
    """What a plan learns of the first request, which FastAPI itself routes.

    Attributes:
        scope: What FastAPI's routing adds to the scope of a request; `None` before the first.
        stack_names: The keys of the scope under which FastAPI has its stacks.
    """

    scope: dict[str, Any] | None = None
    stack_names: frozenset[str] = frozenset()

    def learn(self, routed: dict[str, Any], scope: Mapping[str, Any]) -> None:
        """Takes what routing added, and the scope after a request."""
        names = (*internals.STACKS, internals.CLEANUPS)
        self.stack_names = frozenset(name for name in names if name in scope)
        self.scope = routed


class Plan(_Learning):
    """Call plan of one route.

    Attributes:
        route: FastAPI's route, with its whole path.
        tree: The handler and its dependencies.
        result: What becomes of the handler's result.
        body: How the body is read: not at all, as `"json"` or as a `"form"`.
        binder: Makes the arguments of a call, and the answer from a plain JSON result.
        status: HTTP status of results other than `Response` objects.
        is_plain: True if the handler takes nothing but bound values and answers with JSON.
        has_generators: True if dependencies are closed.
        takes_request: True if something takes the request.
        needs_scope: True if every call needs the whole scope.
    """

    why: str | None = None
    is_solved = True

    def __init__(self, route: Any) -> None:
        _refuse_special(route)
        convertors = {name for name, one in route.param_convertors.items() if not _makes_text(one)}
        self.route = route
        embeds = bool(getattr(route, "_embed_body_fields", False))
        self.tree = Tree(route.dependant, embeds, convertors)
        self.result = Result(route)
        self.body = _body(route)
        self.strict_content_type = internals.strict_content_type(route)
        self.status: int = self.result.status or 200
        self.is_plain = (
            self.tree.is_plain
            and self.body is None
            and self.result.is_json
            # The model of a `def` handler is checked on its thread, and may run code there.
            and (self.tree.is_async or self.result.is_pure or not self.result.has_field)
        )
        steps = self.tree.all
        self.has_generators = any("generator" in step.kind for step in steps)
        self.takes_request = any(step.takes_request for step in steps)
        self.needs_scope = self.body == "form" or self.takes_request
        self.binder = _binder(self.tree, self.status, self.result.plain)

    @property
    def encodes_anywhere(self) -> bool:
        """True if results may be encoded on any thread."""
        return self.result.is_pure

    def encode(self, result: Any, call: Call) -> bytes:
        """Encodes a result that is not plain as JSON bytes, as FastAPI does."""
        return self.result.json(self.result.validated(result, call))

    def path_parameters(self, path: str) -> dict[str, Any]:
        """Returns the parameters of a path that the library found to be the route's."""
        return _path_parameters(self.route, path)

    def spec(self) -> dict[str, Any]:
        """Returns the plan's description, by which the library binds requests."""
        return {
            "begins_on_loop": self.tree.begins_on_loop,
            "is_complete": True,
            "reads_body": self.body is not None,
            "parameters": [parameter.spec for parameter in self.tree.parameters],
        }


class RoutedPlan(_Learning):
    """Plan of a route whose own handler is called.

    Args:
        route: FastAPI's route, with its whole path.
        why: The reason.
    """

    is_plain = False
    is_solved = True
    needs_scope = True
    tree = _NoTree()

    def __init__(self, route: Any, why: str) -> None:
        self.route = getattr(route, "original_route", route)
        self.why: str | None = why
        self._route = route

    def path_parameters(self, path: str) -> dict[str, Any]:
        """Returns the parameters of a path that the library found to be the route's."""
        return _path_parameters(self._route, path)

    def spec(self) -> dict[str, Any]:
        """Returns the plan's description, by which the library binds requests."""
        return {"begins_on_loop": True, "is_complete": True, "parameters": []}


AnyPlan = Plan | RoutedPlan


def routes(app: Any, prefix: str) -> tuple[list[dict[str, Any]], list[AnyPlan]]:
    """Describes all routes of `app` in order of declaration and plans those that can be planned.

    Args:
        app: A FastAPI application.
        prefix: Prefix of all paths, which is removed.

    Returns:
        The descriptions of the routes, and the plans, whose numbers are in the descriptions.
    """
    described: list[dict[str, Any]] = []
    plans: list[AnyPlan] = []
    for route in iterate(app):
        path = getattr(route, "path", None)
        methods = getattr(route, "methods", None)
        if not isinstance(path, str) or not path.startswith(prefix):
            # It may match any path, so no later route can be planned for certain.
            described.append({"path": None, "why": f"{type(route).__name__} without a path"})
            continue
        entry: dict[str, Any] = {
            "path": path.removeprefix(prefix),
            "methods": sorted(methods) if methods else None,
        }
        plan = _plan(route)
        if isinstance(plan, str):
            entry["why"] = plan
        else:
            entry["plan"] = {"number": len(plans), **plan.spec()}
            if plan.why is not None:
                entry["why"] = plan.why
            plans.append(plan)
        entry |= _documented(route)
        described.append(entry)
    return described, plans


def _documented(route: Any) -> dict[str, Any]:
    """Returns the parameter help in the handler's docstring, and its text without that."""
    text = getattr(getattr(route, "endpoint", None), "__doc__", None)
    dependant = getattr(route, "dependant", None)
    if not text or dependant is None or not has_parameters(text):
        return {}
    # FastAPI cuts descriptions at a form feed.
    own = inspect.cleandoc(text).split("\f")[0].strip()
    doc = Docstring(own)
    groups = ("path_params", "query_params", "header_params", "cookie_params", "body_params")
    fields = [field for group in groups for field in getattr(dependant, group, [])]
    helps = {
        getattr(field, "alias", field.name): doc.parameters[field.name]
        for field in fields
        if doc.parameters.get(field.name)
    }
    # Unless the author gave the route another description.
    is_shown = getattr(route, "description", None) == own
    return {"documented": {"text": doc.text if is_shown else None, "parameters": helps}}


def iterate(app: Any) -> Iterator[Any]:
    """Yields all routes with their whole paths; newer FastAPI versions nest included routers."""
    import fastapi.routing

    newer = getattr(fastapi.routing, "iter_route_contexts", None)
    return iter(app.router.routes) if newer is None else newer(app.router.routes)


def _plan(route: Any) -> AnyPlan | str:
    """Returns the plan of a route, or the reason why it has none."""
    try:
        return Plan(route)
    except Unplanned as reason:
        why = str(reason)
    except Exception as error:
        why = f"not understood ({type(error).__name__}: {error})"
    return RoutedPlan(route, why) if _is_routed(route) else why


def _is_routed(route: Any) -> bool:
    """Returns true if the route itself decides nothing but path and method."""
    from fastapi.routing import APIRoute

    original = getattr(route, "original_route", route)
    return (
        isinstance(original, APIRoute)
        and type(original).matches is APIRoute.matches
        and type(original).handle is APIRoute.handle
        and type(original).__call__ is APIRoute.__call__
    )


def _refuse_special(route: Any) -> None:
    from fastapi.routing import APIRoute

    original = getattr(route, "original_route", route)
    if not _is_routed(route):
        raise Unplanned(f"it is a {type(original).__name__}")
    if type(original).get_route_handler is not APIRoute.get_route_handler:
        raise Unplanned(f"{type(original).__name__} handles it its own way")
    dependant = route.dependant
    if dependant is None or dependant.call is None:
        raise Unplanned("it has no handler")
    if getattr(route, "max_body_size", None) is not None:
        raise Unplanned("the size of its body is limited")
    if dependant.websocket_param_name:
        raise Unplanned("it takes the websocket")


def _body(route: Any) -> str | None:
    """Returns how the body of a route's requests is read."""
    from fastapi import params

    field = getattr(route, "body_field", None)
    if field is None:
        return None
    if isinstance(field.field_info, params.Form) and not internals.exits_late():
        raise Unplanned("the files of a form are closed early by this FastAPI")
    return "form" if isinstance(field.field_info, params.Form) else "json"


def _binder(tree: Tree, status: int, plain: Any) -> Binder:
    parts = [
        (each.slot, each.constant, each.default, each.choices, each.validate)
        for each in tree.parameters
    ]
    return Binder(parts, status if has_body(status) else 200, plain)


def _makes_text(convertor: Any) -> bool:
    from starlette.convertors import PathConvertor, StringConvertor

    return type(convertor) in (StringConvertor, PathConvertor)


def _path_parameters(route: Any, path: str) -> dict[str, Any]:
    match = route.path_regex.match(path)
    if match is None:
        return {}
    convertors = route.param_convertors
    return {name: convertors[name].convert(text) for name, text in match.groupdict().items()}
