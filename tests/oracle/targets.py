"""Parameters and bodies of the plugin's routes, read from the routes.

FastAPI keeps them in `route.dependant`; `route` comes from the one public place that every version
has, see `reference.application`.
"""

from __future__ import annotations

import re
import types
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import pydantic
from fastapi import params
from reference import PREFIX, application, load

#: Headers that decide whether there is a request at all.
_FRAMING = ("host", "content-length")
#: Convertors in a path: `{name:kind}`.
_PIECE = re.compile(r"{([^}:]+)(?::([^}]+))?}")


@dataclass(frozen=True, eq=False)
class Parameter:
    """A parameter.

    Attributes:
        where: `path`, `query`, `header`, `cookie`, `body`, `form` or `file`.
        name: Its name in a request.
        annotation: Its type, with constraints.
        required: Whether it has no default.
    """

    where: str
    name: str
    annotation: Any
    required: bool = True


@dataclass(frozen=True, eq=False, repr=False)
class Target:
    """A route.

    Attributes:
        path: With the prefix and `{name:convertor}`.
        methods: In order of name.
        parameters: Those of its dependencies, too.
        embedded: Whether each body parameter is a field of the body.
    """

    path: str
    methods: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    embedded: bool = False

    def __repr__(self) -> str:
        """The path alone: errors of hypothesis quote whole lists of targets."""
        return self.path

    def at(self, where: str) -> tuple[Parameter, ...]:
        """The parameters in one place."""
        return tuple(parameter for parameter in self.parameters if parameter.where == where)

    @property
    def pieces(self) -> list[tuple[str, str, str]]:
        """Each path parameter with the text before it, its name and convertor; then the rest."""
        found: list[tuple[str, str, str]] = []
        end = 0
        for match in _PIECE.finditer(self.path):
            found.append((self.path[end : match.start()], match[1], match[2] or "str"))
            end = match.end()
        return [*found, (self.path[end:], "", "")]


def find(plugin: Path) -> list[Target]:
    """All routes of the plugin, in order of path."""
    seen: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = load(plugin)
        application(module.router, seen).openapi()
    targets = {}
    for route in seen:
        if route.path.startswith(PREFIX):
            target = _target(route)
            targets[target.path, target.methods] = target
    for path in module.plain_paths:
        targets[path, ()] = Target(PREFIX + path, ("GET", "HEAD"))
    return [targets[key] for key in sorted(targets)]


def _target(route: Any) -> Target:
    body = [parameter for parameter in _flat(route.dependant) if parameter.where == "body"]
    embeds = [
        f.field_info for f in route.dependant.body_params if getattr(f.field_info, "embed", 0)
    ]
    return Target(
        path=route.path,
        methods=tuple(sorted(route.methods)),
        parameters=tuple(_flat(route.dependant)),
        embedded=len(body) > 1 or bool(embeds),
    )


def _flat(dependant: Any) -> list[Parameter]:
    flat = []
    for place in ("path", "query", "header", "cookie", "body"):
        for field in getattr(dependant, f"{place}_params"):
            if field.alias not in _FRAMING:
                flat += _parameters(place, field)
    for inner in dependant.dependencies:
        flat += _flat(inner)
    return flat


def _parameters(place: str, field: Any) -> list[Parameter]:
    info = field.field_info
    if isinstance(info, params.File):
        place = "file"
    elif isinstance(info, params.Form):
        place = "form"
    annotation = info.annotation
    models = [] if place == "body" else _models(annotation)
    if models:
        return [
            Parameter(_place(place, own), called, own.annotation, own.is_required())
            for model in models
            for name, own in model.model_fields.items()
            for called in _called(own, _header(place, name))
        ]
    if info.metadata:
        annotation = Annotated[(annotation, *info.metadata)]
    required = info.is_required()
    return [Parameter(place, name, annotation, required) for name in _called(info, field.alias)]


def _models(annotation: Any) -> list[type[pydantic.BaseModel]]:
    """The models that `annotation` is, or is a union of."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [model for member in get_args(annotation) for model in _models(member)]
    is_model = isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel)
    return [annotation] if is_model else []


def _called(info: Any, name: str) -> list[str]:
    """Returns the names of a parameter in a request: its aliases, or else `name`."""
    alias = info.validation_alias or info.alias
    if isinstance(alias, pydantic.AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, str)]
    return [alias if isinstance(alias, str) else name]


def _place(place: str, own: Any) -> str:
    """Returns the location of a model's field: a file where its type is one."""
    return "file" if place == "form" and "UploadFile" in str(own.annotation) else place


def _header(place: str, name: str) -> str:
    return name.replace("_", "-") if place == "header" else name
