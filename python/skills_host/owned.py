"""Which objects belong to a version of a plugin.

An object is a version's own if its module, or its class's module, lies below the version's root
package; see `realm`.
"""

from __future__ import annotations

import gc
import types
import typing
from typing import Any

#: How far from a value an object of a version is looked for, and among how many objects per value.
_DEPTH = 6
_OBJECTS = 200


class Owned:
    """Decides whether an object belongs to a version.

    Args:
        root: Name of its root package.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._prefix = f"{root}."

    def name(self, name: object) -> bool:
        """Returns true for the name of one of its modules."""
        return isinstance(name, str) and (name == self.root or name.startswith(self._prefix))

    def __call__(self, value: object) -> bool:
        """Returns true for a module, class or function of the version, or an instance of such."""
        kind = type(value)
        # By types, not attributes: some proxies compute those.
        if issubclass(kind, (type, types.FunctionType, typing.TypeVar)):
            return self.name(getattr(value, "__module__", None))
        if issubclass(kind, types.ModuleType):
            return self.name(vars(value).get("__name__"))
        return self.name(getattr(kind, "__module__", None))

    def within(self, *values: object) -> bool:
        """Returns true if one of `values` is one, or refers to one over a few other objects."""
        seen: set[int] = set()
        level = list(values)
        most = _OBJECTS * len(values)
        for _ in range(_DEPTH):
            below: list[object] = []
            for each in level:
                if id(each) in seen:
                    continue
                if self(each):
                    return True
                if len(seen) < most and _leads_on(each):
                    below += _referents(each)
                seen.add(id(each))
            level = below
        return any(map(self, level))


def _leads_on(value: object) -> bool:
    """Returns false for what refers to everything, or to nothing."""
    return gc.is_tracked(value) and not isinstance(value, (type, types.ModuleType, types.CodeType))


def _referents(value: object) -> list[Any]:
    found = gc.get_referents(value)
    if isinstance(value, types.FunctionType):
        # All of its module and all built-in functions otherwise.
        everything = (value.__globals__, value.__globals__.get("__builtins__"))
        return [each for each in found if not any(each is other for other in everything)]
    return found
