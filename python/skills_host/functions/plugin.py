"""Plugins of plain functions."""

from __future__ import annotations

import json
import logging
import types
from typing import Any

from skills_daemon.agents import Offer
from skills_host.contract import About
from skills_host.functions.application import Application
from skills_host.functions.command import Command
from skills_host.functions.discover import Found
from skills_host.functions.document import document
from skills_host.functions.plan import Plan
from skills_host.functions.response import Response
from skills_host.functions.signature import Unusable
from skills_host.realm import Realm

logger = logging.getLogger("skills_host.functions")


class FunctionsPlugin:
    """A loaded plugin of plain functions.

    Args:
        realm: Its modules.
        module: The module with its docstring, version and hooks.
        name: Its name, unless the module has a `__plugin_name__`.
        functions: Its commands, resources and prompts.
        about: Version and description where the module has none.

    Attributes:
        name: Its URL prefix.
        instance: The module, with its optional hooks.
        plans: Call plans of its commands, by number; empty before `describe`.
        programs: Its commands that are programs, in the shape of the library's `ReportedProgram`.
        app: Its ASGI application.
        response_type: The class of response objects.
        sends_files: True: no code looks at what a response sends.
    """

    response_type: type = Response
    is_traced = None
    sends_files = True
    is_fastapis = False

    def __init__(
        self,
        realm: Realm,
        module: types.ModuleType,
        name: str,
        functions: list[Found],
        about: About | None = None,
    ) -> None:
        version = (about and about["version"]) or "1.0.0"
        description = (about and about["description"]) or ""
        self._realm = realm
        self.instance = module
        self.name = str(getattr(module, "__plugin_name__", name))
        self.version = str(getattr(module, "__version__", version))
        lines = (module.__doc__ or "").strip().splitlines()
        self.description = lines[0] if lines else description
        self._commands: list[Command] = []
        self._warnings: list[str] = []
        for found in functions:
            try:
                self._commands.append(Command(found))
            except Unusable as reason:
                self._warnings.append(f"{found.name} is no command: {reason}")
            else:
                self._warnings += self._commands[-1].signature.warnings
        self.plans: list[Plan] = []
        self.programs: list[dict[str, Any]] = []
        self.app = Application(self.name, self._commands)

    def describe(self) -> str:
        """Returns the description as JSON, in the shape of the library's `Report`."""
        routes: list[dict[str, Any]] = []
        self.plans = []
        for command in self._commands:
            route: dict[str, Any] = {"path": command.path, "methods": [command.method]}
            if command.signature.stdin is not None:
                route["stdin"] = command.signature.stdin.name
            if command.why is None:
                plan = Plan(command)
                route["plan"] = {"number": len(self.plans), **plan.spec()}
                self.plans.append(plan)
            else:
                route["why"] = command.why
            routes.append(route)
        described = {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "style": "functions",
            "routes": routes,
            "openapi": self._document([each for each in self._commands if each.offer is None]),
            "offered": [
                {"purpose": _purpose(offer), "openapi": self._document([command])}
                for command in self._commands
                if (offer := command.offer) is not None
            ],
            "programs": self.programs,
            "warnings": self._warnings,
        }
        return json.dumps(described)

    def _document(self, commands: list[Command]) -> dict[str, Any]:
        return document(self.name, self.version, self.description, commands)

    def close(self) -> None:
        """Removes the plugin's modules from `sys.modules`."""
        self._realm.close()


def _purpose(offer: Offer) -> str | dict[str, Any]:
    """Returns the purpose in the shape of the library's `Purpose`."""
    if offer.uri is None:
        return "prompt"
    return {"resource": {"uri": offer.uri, "mime_type": offer.media_type}}
