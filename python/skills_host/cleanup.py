"""Removes what refers to a version of a plugin after its end, so that its memory is freed.

A version's modules, functions and classes refer to each other; what keeps them alive is whatever
refers to one of them from outside: caches of libraries, loggers and their handlers, exit
functions, filters, registries. `forget` removes these references; `collector` frees the rest.

An object is a version's own if its module, or its class's module, lies below the version's root
package; see `realm`. To add a place that may refer to objects of plugins: a function in `_PLACES`.
"""

from __future__ import annotations

import atexit
import copyreg
import functools
import gc
import linecache
import logging
import sys
import types
import typing
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from skills_host.place import OWN

logger = logging.getLogger("skills_host.cleanup")

#: Types that keep what is put into them.
_CONTAINERS = (
    functools._lru_cache_wrapper,
    weakref.WeakValueDictionary,
    weakref.WeakKeyDictionary,
)
#: How far an entry of a cache is searched for an object of a plugin.
_DEPTH = 6
_OBJECTS = 200


def forget(root: str, files: Iterable[str]) -> None:
    """Removes what refers to the objects of a version that has ended.

    Args:
        root: Name of its root package.
        files: The files of its modules.
    """
    for file in files:
        linecache.cache.pop(file, None)
    owned = _Owned(root)
    for place in _PLACES:
        try:
            place(owned)
        except Exception:
            logger.warning("%s of %s failed", place.__name__, root, exc_info=True)


class _Owned:
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

    def within(self, value: object) -> bool:
        """Returns true if `value` is one, or refers to one over a few other objects."""
        seen: set[int] = set()
        level = [value]
        for _ in range(_DEPTH):
            below: list[object] = []
            for each in level:
                if self(each):
                    return True
                if len(seen) < _OBJECTS and id(each) not in seen and _leads_on(each):
                    seen.add(id(each))
                    below += _referents(each)
            level = below
        return any(map(self, level))


def _leads_on(value: object) -> bool:
    """Returns false for what refers to everything, or to nothing."""
    return gc.is_tracked(value) and not isinstance(value, (type, types.ModuleType, types.CodeType))


def _referents(value: object) -> list[Any]:
    found = gc.get_referents(value)
    if isinstance(value, types.FunctionType):
        # All of its module otherwise.
        return [each for each in found if each is not value.__globals__]
    return found


def _clear_caches(owned: _Owned) -> None:
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
    # A copy: making a tuple of each item may run the garbage collector, and so other threads.
    for name, module in sys.modules.copy().items():
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


def _is_cached(cache: Any, owned: _Owned) -> bool:
    """Returns true if a `functools.lru_cache` refers to the version."""
    attributes, function = vars(cache), cache.__wrapped__
    for each in gc.get_referents(cache):
        if each is not attributes and each is not function:
            # The dictionary of the entries, which an unbounded cache has nowhere else.
            entries = [*each.keys(), *each.values()] if type(each) is dict else [each]
            if any(map(owned.within, entries)):
                return True
    return False


def _forget_loggers(owned: _Owned) -> None:
    """Removes the loggers of its modules, and the handlers that they gave to others."""
    manager = logging.Logger.manager
    with logging._lock:  # type: ignore[attr-defined]
        for name in [name for name in manager.loggerDict if owned.name(name)]:
            known = manager.loggerDict.pop(name)
            if isinstance(known, logging.Logger):
                handlers, known.handlers = known.handlers, []
                _close(handlers)
    everywhere = [logging.getLogger(), *manager.loggerDict.values()]
    for each in everywhere:
        if isinstance(each, logging.Logger):
            added = [handler for handler in each.handlers if _added.get(id(handler)) == owned.root]
            for handler in [*added, *filter(owned.within, each.handlers)]:
                each.removeHandler(handler)
            _close(added)
            for filter_ in filter(owned, list(each.filters)):
                each.removeFilter(filter_)


def _close(handlers: Iterable[logging.Handler]) -> None:
    for handler in handlers:
        _added.pop(id(handler), None)
        handler.close()


def _run_exit_functions(owned: _Owned) -> None:
    """Runs its exit functions, as at the end of a process, the last one first."""
    own = [each for each in _exits if each.root == owned.root]
    _exits[:] = [each for each in _exits if each.root != owned.root]
    for each in reversed(own):
        atexit.unregister(each.function)
        try:
            each.function(*each.args, **each.kwargs)
        except Exception:
            logger.warning("an exit function of %s failed", owned.root, exc_info=True)


def _forget_filters(owned: _Owned) -> None:
    """Removes filters of warnings by classes of the version."""
    own = [each for each in warnings.filters if owned(each[2])]
    for each in own:
        warnings.filters.remove(each)  # type: ignore[attr-defined]
    if own:
        warnings._filters_mutated()  # type: ignore[attr-defined]


def _forget_reducers(owned: _Owned) -> None:
    for cls in [cls for cls in list(copyreg.dispatch_table) if owned(cls)]:
        del copyreg.dispatch_table[cls]


def _forget_importers(owned: _Owned) -> None:
    sys.meta_path[:] = [each for each in sys.meta_path if not owned(each)]
    sys.path_hooks[:] = [each for each in sys.path_hooks if not owned(each)]


def _forget_registered(owned: _Owned) -> None:
    """Removes what the version registered with the SDK; what its successor registered stays."""
    from skills_daemon.formatters.registry import formatter_registry
    from skills_daemon.plugins import registry

    for entries in (formatter_registry._formatters, registry._plugins):
        for key, value in list(entries.items()):
            if owned(value) and entries.get(key) is value:
                del entries[key]


_PLACES = (
    _run_exit_functions,
    _forget_loggers,
    _forget_filters,
    _forget_reducers,
    _forget_importers,
    _forget_registered,
    _clear_caches,
)


def watch() -> None:
    """Notes from now on which version registers an exit function or adds a log handler."""
    atexit.register = _register
    logging.Logger.addHandler = _add_handler  # type: ignore[method-assign]


class _Exit(NamedTuple):
    """An exit function of a version."""

    root: str
    function: Callable[..., object]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


_exits: list[_Exit] = []
#: The root package of the version that added a handler, by the handler's id.
_added: dict[int, str] = {}
_atexit_register = atexit.register
_logger_add_handler = logging.Logger.addHandler


def _register(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """Registers an exit function, as `atexit.register` does."""
    if root := _root_of(function):
        _exits.append(_Exit(root, function, args, kwargs))
    return _atexit_register(function, *args, **kwargs)


def _add_handler(self: logging.Logger, hdlr: logging.Handler) -> None:
    """Adds a handler, as `Logger.addHandler` does."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__")).startswith("logging"):
        frame = frame.f_back
    if frame is not None and (root := _root(frame.f_globals.get("__name__"))):
        _added[id(hdlr)] = root
    _logger_add_handler(self, hdlr)


def _root_of(function: object) -> str | None:
    """Returns the root package of the plugin that a function or method belongs to."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, types.MethodType):
        function = type(function.__self__)
    return _root(getattr(function, "__module__", None))


def _root(module: object) -> str | None:
    """Returns the root package of a module of a plugin."""
    return module.partition(".")[0] if isinstance(module, str) and module.startswith(OWN) else None
