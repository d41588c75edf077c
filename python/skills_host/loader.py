"""Imports plugins and makes their FastAPI applications and descriptions."""

from __future__ import annotations

import inspect
import json
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skills_host import packages
from skills_host.contract import About, Outline, Plugin
from skills_host.plan import internals, route
from skills_host.realm import Executed, Realm

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI, Request
    from fastapi.responses import JSONResponse
    from fastapi.routing import APIRoute

    from skills_host.functions.plugin import FunctionsPlugin


class LoadError(Exception):
    """The file was executed but has no plugin."""


class LoadedPlugin:
    """A loaded plugin with a FastAPI router.

    Attributes:
        name: Its URL prefix.
        programs: Its commands that are programs, in the shape of the library's `ReportedProgram`.
        instance: The plugin object, with its optional hooks.
        plans: Call plans of its routes, by number; empty before `describe`.
        app: Its FastAPI application, every route below `/{name}`.
        response_type: The class of response objects.
        sends_files: True if no code between a response and the server looks at what is sent;
            false before `describe`.
    """

    is_fastapis = True

    def __init__(self, realm: Realm, instance: Any) -> None:
        self._realm = realm
        self.programs: list[dict[str, Any]] = []
        self.instance = instance
        self.plans: list[Any] = []
        self.name = str(instance.name)
        self.version = str(getattr(instance, "version", None) or "1.0.0")
        self.description = str(getattr(instance, "description", None) or "")
        # By the path that OpenAPI has, which leaves out convertors: `/files/{path}`.
        self._declared: dict[str, str] = {}
        # Read once: many plugins build a new router at each access.
        self.app = _application(self, instance.router, self._declared)
        self.response_type = _response_type()
        self.sends_files = False
        self.is_traced = internals.telemetry(self.app)

    def describe(self) -> str:
        """Returns the description as JSON, in the shape of the library's `Report`."""
        routes, self.plans = route.routes(self.app, f"/{self.name}")
        self.sends_files = _sends_files(self.app)
        described: dict[str, Any] = {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "style": "router",
            "routes": routes,
            "openapi": None,
            "programs": self.programs,
            "warnings": [],
        }
        try:
            described["openapi"] = self.app.openapi()
            described["declared"] = self._declared
            # The daemon answers with its own copy; FastAPI makes it again where a plugin reads it.
            self.app.openapi_schema = None
            return json.dumps(described, default=str)
        except Exception as error:
            # Routes still work without a description: only help and typed options are lost.
            described["openapi"] = None
            described["warnings"].append(
                f"FastAPI cannot describe the routes: {type(error).__name__}: {error}"
            )
            return json.dumps(described)

    def close(self) -> None:
        """Removes the plugin's modules from `sys.modules`."""
        self._realm.close()


def load(
    init_file: str,
    working_name: str,
    entry_point: str | None,
    outline: Outline | None = None,
    executed: Executed | None = None,
) -> Plugin:
    """Imports a plugin and makes its application.

    Args:
        init_file: Absolute path of `__init__.py` or of a single file.
        working_name: Name for the plugin's root package.
        entry_point: `package.module:Class`, if the class is not in the file itself.
        outline: Metadata of its manifest.
        executed: Receives each file of the plugin's own modules before it is executed.

    Raises:
        LoadError: The file has neither a plugin class nor functions.
        Exception: Any exception that the plugin raises while it is imported or made.
    """
    packages.refresh()
    path = Path(init_file)
    realm = Realm(working_name, executed) if executed else Realm(working_name)
    try:
        plugin = _loaded(realm, path, working_name, entry_point, outline)
        if outline and (programs := outline.get("programs")):
            from skills_host.functions.programs import described

            folders = _folders(path)
            realm.path[:0] = [folder for folder in folders if folder not in realm.path]
            plugin.programs = described(realm, plugin.name, programs, folders)
        return plugin
    except BaseException:
        realm.close()
        raise


def _loaded(
    realm: Realm, path: Path, working_name: str, entry_point: str | None, outline: Outline | None
) -> LoadedPlugin | FunctionsPlugin:
    programs = outline.get("programs") if outline else None
    has_no_code = path.suffix != ".py" or not path.is_file()
    if outline and (outline["commands"] or (programs and has_no_code and not entry_point)):
        return _of_packages(realm, working_name, outline)
    if entry_point is not None:
        return LoadedPlugin(realm, _from_entry_point(realm, path, entry_point))
    module = realm.execute(path)
    cls = _plugin_class(module)
    if cls is not None:
        return LoadedPlugin(realm, cls())
    about = outline["about"] if outline else None
    return _of_functions(realm, module, path, working_name, about, may_be_empty=bool(programs))


def _folders(path: Path) -> list[str]:
    """Returns where the modules of a plugin's own code lie; none of a manifest alone."""
    return [str(path.parent), str(path.parent.parent)] if path.suffix == ".py" else []


def _plugin_class(module: types.ModuleType) -> type[Any] | None:
    for name in dir(module):
        candidate = getattr(module, name)
        if (
            isinstance(candidate, type)
            and name.endswith("Plugin")
            and name != "SkillPlugin"
            and hasattr(candidate, "name")
            and hasattr(candidate, "router")
        ):
            return candidate
    return None


def _of_packages(realm: Realm, name: str, outline: Outline) -> FunctionsPlugin:
    """Makes a plugin of the functions that a manifest names."""
    from skills_host.functions.discover import named
    from skills_host.functions.plugin import FunctionsPlugin

    module = types.ModuleType(name)
    return FunctionsPlugin(realm, module, name, named(realm, outline["commands"]), outline["about"])


def _of_functions(
    realm: Realm,
    module: types.ModuleType,
    path: Path,
    name: str,
    about: About | None,
    *,
    may_be_empty: bool,
) -> FunctionsPlugin:
    """Makes a plugin of a module's functions."""
    # Imported here, so that a venv without msgspec fails these plugins only, with a reason.
    from skills_host.functions.discover import commands, offered
    from skills_host.functions.plugin import FunctionsPlugin

    found = commands(module) + offered(module)
    if not found and not may_be_empty:
        raise LoadError(
            f"{path} has neither a plugin class (its name ends in 'Plugin', with 'name' and "
            "'router') nor public functions"
        )
    return FunctionsPlugin(realm, module, name, found, about)


def _from_entry_point(realm: Realm, path: Path, entry_point: str) -> Any:
    """Makes the object that `entry_point` names, with `None` for a context if one is required."""
    folders = [str(path.parent), str(path.parent.parent)]
    realm.path[:0] = [folder for folder in folders if folder not in realm.path]
    module_name, _, class_name = entry_point.partition(":")
    module = realm.import_module(module_name)
    try:
        cls = getattr(module, class_name)
    except AttributeError:
        raise LoadError(f"entry_point: {module_name} has no {class_name}") from None
    required = [
        parameter
        for parameter in inspect.signature(cls).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return cls(None) if required else cls()


def _response_type() -> type[Any]:
    from fastapi.responses import Response

    return Response


def _sends_files(app: FastAPI) -> bool:
    """Returns false if a mounted application or a route of its own kind may look at messages.

    A middleware that compresses bodies, or reads them, does not expect the path of a file.
    """
    from fastapi.routing import APIRoute
    from starlette.routing import WebSocketRoute

    kinds = {type(getattr(each, "original_route", each)) for each in route.iterate(app)}
    return all(kind is APIRoute or issubclass(kind, WebSocketRoute) for kind in kinds)


def _application(plugin: LoadedPlugin, router: APIRouter, declared: dict[str, str]) -> FastAPI:
    """Makes the application; `declared` gets paths with convertors, by the path OpenAPI has."""
    # Imported here, so that a venv without FastAPI fails each plugin with a reason, not the daemon.
    from fastapi import FastAPI
    from fastapi.responses import JSONResponse
    from fastapi.utils import generate_unique_id

    def unique_id(route: APIRoute) -> str:
        # The one public place where every FastAPI shows each route with its whole path, nested
        # ones included; newer ones no longer list those in `router.routes`.
        if route.path != route.path_format:
            declared[route.path_format] = route.path
        return generate_unique_id(route)

    async def failed(request: Request, error: Exception) -> JSONResponse:
        content = {
            "success": False,
            "error": str(error),
            "hint": "Check daemon logs for details",
        }
        return JSONResponse(status_code=500, content=content)

    app = FastAPI(
        title=plugin.name,
        description=plugin.description,
        version=plugin.version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        generate_unique_id_function=unique_id,
    )
    app.include_router(router, prefix=f"/{plugin.name}", tags=[plugin.name.capitalize()])
    app.add_exception_handler(Exception, failed)
    return app
