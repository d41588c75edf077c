"""Call plans of FastAPI routes.

A route gets a plan when its parameters, and those of its dependencies, are path, query, header or
cookie parameters and nothing else decides the call: no request body, no `Request` or `Response`
parameter, no response class of its own. The library binds a request by the plan. A request that
does not satisfy its plan goes to FastAPI whole: nothing has run before.

Plans are made from FastAPI's own reading of a signature (`dependant`). A route with anything that
this module does not support gets no plan, with the reason, never a wrong plan.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from _skills_host import Binder
from skills_host.docstring import Docstring, has_parameters
from skills_host.plan import result, tree
from skills_host.plan.reason import Unplanned
from skills_host.plan.tree import Tree


class Plan:
    """Call plan of one route.

    Attributes:
        tree: The handler and its dependencies.
        status: HTTP status of results other than `Response` objects.
        binder: Makes the arguments of a call, and the answer from a plain JSON result.
        encode: Encodes any other result as JSON bytes, as FastAPI does.
    """

    def __init__(self, route: Any) -> None:
        _refuse_special(route)
        self.tree = Tree(route.dependant)
        self.status: int = route.status_code or 200
        if self.status < 200 or self.status in (204, 205, 304):
            raise Unplanned(f"status {self.status} has no body")
        plain, self.encode = result.encoding(route)
        self.binder = Binder(
            [
                (
                    parameter.slot,
                    parameter.constant,
                    parameter.default,
                    parameter.choices,
                    parameter.validate,
                )
                for parameter in self.tree.parameters
            ],
            self.status,
            plain,
        )

    def spec(self) -> dict[str, Any]:
        """Returns the plan's description, by which the library binds requests."""
        return {
            "begins_on_loop": self.tree.begins_on_loop,
            "parameters": [parameter.spec for parameter in self.tree.parameters],
        }


def routes(app: Any, prefix: str) -> tuple[list[dict[str, Any]], list[Plan]]:
    """Describes all routes of `app` in order of declaration and plans those that can be planned.

    Args:
        app: A FastAPI application.
        prefix: Prefix of all paths, which is removed.

    Returns:
        The descriptions of the routes, and the plans, whose numbers are in the descriptions.
    """
    described: list[dict[str, Any]] = []
    plans: list[Plan] = []
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
        try:
            plan = Plan(route)
        except Unplanned as reason:
            entry["why"] = str(reason)
        except Exception as error:
            entry["why"] = f"not understood ({type(error).__name__}: {error})"
        else:
            entry["plan"] = {"number": len(plans), **plan.spec()}
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


def _refuse_special(route: Any) -> None:
    from fastapi.datastructures import DefaultPlaceholder
    from fastapi.responses import JSONResponse
    from fastapi.routing import APIRoute
    from starlette.convertors import PathConvertor, StringConvertor

    original = getattr(route, "original_route", route)
    if not isinstance(original, APIRoute):
        raise Unplanned(f"it is a {type(original).__name__}")
    if type(original).get_route_handler is not APIRoute.get_route_handler:
        raise Unplanned(f"{type(original).__name__} handles it its own way")
    dependant = route.dependant
    if dependant is None or dependant.call is None:
        raise Unplanned("it has no handler")
    tree.refuse(dependant)
    if getattr(route, "body_field", None) is not None:
        raise Unplanned("it reads a request body")
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
