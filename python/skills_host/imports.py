"""The packages that loaded modules have imported, read from the modules' globals.

Neither the import system nor `sys.modules` records which module imported another. Globals show
nearly all of it: the modules, classes and functions of other packages that a package uses.
"""

from __future__ import annotations

import sys
import types


def with_their_imports(tops: set[str]) -> set[str]:
    """Returns the top-level names `tops`, and those of all modules that these have imported."""
    modules: dict[str, list[types.ModuleType]] = {}
    # A copy: making a tuple of each item may run the garbage collector, and so other threads.
    for name, module in sys.modules.copy().items():
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
    """Returns the top-level names of all modules that the globals of `module` refer to."""
    return {_origin(value).partition(".")[0] for value in list(vars(module).values())}


def _origin(value: object) -> str:
    """Returns the name of a module, or of a class's or function's; empty for other objects."""
    # By its type: `isinstance` asks an object for its class, which some proxies compute.
    if issubclass(type(value), types.ModuleType):
        name = vars(value).get("__name__")
    elif issubclass(type(value), (type, types.FunctionType, types.BuiltinFunctionType)):
        name = getattr(value, "__module__", None)
    else:
        name = None
    return name if isinstance(name, str) else ""
