"""What loaded modules have imported, read from what their globals refer to.

Neither the import system nor `sys.modules` records who imported what. Globals show nearly all of
it: the modules, classes and functions of other packages that a package uses.
"""

from __future__ import annotations

import sys
import types


def with_their_imports(tops: set[str]) -> set[str]:
    """The top-level names `tops`, and those of all modules that these have imported."""
    modules: dict[str, list[types.ModuleType]] = {}
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType):
            modules.setdefault(name.partition(".")[0], []).append(module)
    left, seen = set(tops), set[str]()
    while left:
        top = left.pop()
        seen.add(top)
        if top not in sys.stdlib_module_names:
            left |= {name for each in modules.get(top, ()) for name in _tops_in(each)} - seen
    return seen


def _tops_in(module: types.ModuleType) -> set[str]:
    """The top-level names of all modules that the globals of `module` refer to."""
    return {_origin(value).partition(".")[0] for value in list(vars(module).values())}


def _origin(value: object) -> str:
    """The name of a module, or of the module of a class or function; empty for anything else."""
    # By its type: `isinstance` asks an object for its class, which some proxies compute.
    if issubclass(type(value), types.ModuleType):
        name = vars(value).get("__name__")
    elif issubclass(type(value), (type, types.FunctionType, types.BuiltinFunctionType)):
        name = getattr(value, "__module__", None)
    else:
        name = None
    return name if isinstance(name, str) else ""
