"""Runs in the venv's interpreter, without the daemon: what plugins import, and what that costs.

imports.py of SDK PLUGIN        # prints the third-party modules that PLUGIN imports, as JSON
imports.py import MODULE …      # imports them, prints `ready`, waits for the end of its input
"""

from __future__ import annotations

import importlib
import importlib.util
import sys


def of(sdk: str, plugin: str) -> None:
    """Loads and starts the plugin as the daemon does: some packages are imported only then."""
    import asyncio
    import contextlib
    import json
    import sysconfig

    from fastapi import FastAPI

    sys.path[:0] = [sdk, plugin]
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
        # There may be nothing to connect to.
        with contextlib.suppress(Exception):
            asyncio.run(getattr(plugin_object, hook)())
    packages = sysconfig.get_path("purelib")
    found = [
        name
        for name, value in sys.modules.items()
        if (getattr(value, "__file__", None) or "").startswith(packages)
    ]
    print(json.dumps(found))


def import_all(modules: list[str]) -> None:
    """Imports what can be imported and waits."""
    for name in modules:
        # Some modules exist under a second name that only their package makes.
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"not imported: {name}", file=sys.stderr)
    print("ready", flush=True)
    sys.stdin.read()


if sys.argv[1] == "of":
    of(*sys.argv[2:])
else:
    import_all(sys.argv[2:])
