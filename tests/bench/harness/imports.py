"""Imports of plugins and their cost, in the venv's interpreter, without the daemon.

imports.py of SDK PLUGIN        # prints the third-party modules that PLUGIN imports, as JSON
imports.py import MODULE …      # imports them, prints `ready`, waits for the end of its input
imports.py load SDK PLUGIN …    # loads and starts the plugins, prints `ready`, waits likewise
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
from typing import Any


def load(plugin: str) -> Any:
    """Loads and starts the plugin as the daemon does: some packages are imported only then."""
    import asyncio
    import contextlib

    from fastapi import FastAPI

    sys.path.insert(0, plugin)
    init = f"{plugin}/__init__.py"
    spec = importlib.util.spec_from_file_location(
        "skills_plugin", init, submodule_search_locations=[plugin]
    )
    assert spec is not None and spec.loader is not None, init
    module = importlib.util.module_from_spec(spec)
    sys.modules["skills_plugin"] = module
    spec.loader.exec_module(module)
    classes = [
        value
        for name, value in vars(module).items()
        if isinstance(value, type) and name.endswith("Plugin") and name != "SkillPlugin"
    ]
    plugin_object = classes[0]()
    app = FastAPI()
    app.include_router(plugin_object.router)
    app.openapi()
    for hook in ("startup", "connect"):
        # The backend may not exist.
        with contextlib.suppress(Exception):
            asyncio.run(getattr(plugin_object, hook)())
    return app


def third_party() -> list[str]:
    """The modules of the venv that are imported."""
    import sysconfig

    packages = sysconfig.get_path("purelib")
    return [
        name
        for name, value in sys.modules.items()
        if (getattr(value, "__file__", None) or "").startswith(packages)
    ]


def load_all(plugins: list[str]) -> list[Any]:
    """Loads plugins whose own modules have the same names."""
    apps = []
    for plugin in plugins:
        apps.append(load(plugin))
        shared = {*third_party(), *sys.stdlib_module_names}
        for name in [name for name in sys.modules if name.partition(".")[0] not in shared]:
            del sys.modules[name]
    return apps


def import_all(modules: list[str]) -> None:
    """Imports all modules that can be imported."""
    for name in modules:
        # Some modules exist under a second name that only their package makes.
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"not imported: {name}", file=sys.stderr)


def wait() -> None:
    """Waits to be measured."""
    print("ready", flush=True)
    sys.stdin.read()


verb, *arguments = sys.argv[1:]
if verb == "import":
    import_all(arguments)
    wait()
else:
    sys.path.insert(0, arguments.pop(0))
    kept = load_all(arguments)
    if verb == "of":
        print(json.dumps(third_party()))
    else:
        wait()
