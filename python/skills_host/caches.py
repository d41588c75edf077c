"""Removes the objects of a version of a plugin from the caches of libraries."""

from __future__ import annotations

import functools
import gc
import sys
import types
import typing
import weakref
from collections.abc import Iterator
from typing import Any

from skills_host import precedence
from skills_host.owned import Owned
from skills_host.place import OWN

#: Types that keep what is put into them.
_CONTAINERS = (
    functools._lru_cache_wrapper,
    weakref.WeakValueDictionary,
    weakref.WeakKeyDictionary,
)


def clear_caches(owned: Owned) -> None:
    """Removes its objects from caches and weak dictionaries, wherever they are."""
    for each in _containers():
        kind = type(each)
        if kind is functools._lru_cache_wrapper:
            if not owned(each.__wrapped__) and _is_cached(each, owned):
                # Only whole caches can be cleared. FastAPI, for one, has each handler in several.
                each.cache_clear()
        # The entry of an object stays if the other half of the entry refers to it. Pydantic, for
        # one, has models with parameters by these parameters.
        elif kind is weakref.WeakValueDictionary:
            for key, value in list(each.items()):
                if owned(value) or owned.within(key):
                    each.pop(key, None)
        elif kind is weakref.WeakKeyDictionary:
            for key in list(each):
                if owned(key):
                    each.pop(key, None)


def _containers() -> Iterator[Any]:
    """Yields the caches and weak dictionaries of modules and their classes.

    Not `gc.get_objects`: a reference to a tuple that another thread is just building makes that
    thread fail.
    """
    yields = precedence.Yielding()
    # A copy: making a tuple of each item may run the garbage collector, and so other threads.
    for name, module in sys.modules.copy().items():
        yields.to_loads()
        if name.startswith(OWN) or not isinstance(module, types.ModuleType):
            continue
        for value in list(vars(module).values()):
            if type(value) in _CONTAINERS:
                yield value
            elif issubclass(type(value), type) and vars(value).get("__module__") == name:
                yield from (
                    each for each in list(vars(value).values()) if type(each) in _CONTAINERS
                )
    # The caches of generic types are local variables.
    for clear in list(getattr(typing, "_cleanups", ())):
        if type(cache := getattr(clear, "__self__", None)) in _CONTAINERS:
            yield cache


def _is_cached(cache: Any, owned: Owned) -> bool:
    """Returns true if a `functools.lru_cache` refers to the version."""
    attributes, function = vars(cache), cache.__wrapped__
    entries: list[object] = []
    for each in gc.get_referents(cache):
        if each is not attributes and each is not function:
            # The dictionary of the entries, which an unbounded cache has nowhere else.
            entries += [*each.keys(), *each.values()] if type(each) is dict else [each]
    return owned.within(*entries)
