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
import linecache
import logging
import sys
import types
import warnings
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from skills_host.caches import clear_caches
from skills_host.owned import Owned
from skills_host.place import OWN

logger = logging.getLogger("skills_host.cleanup")


def forget(root: str, files: Iterable[str]) -> None:
    """Removes what refers to the objects of a version that has ended.

    Args:
        root: Name of its root package.
        files: The files of its modules.
    """
    for file in files:
        linecache.cache.pop(file, None)
    owned = Owned(root)
    for place in _PLACES:
        try:
            place(owned)
        except Exception:
            logger.warning("%s of %s failed", place.__name__, root, exc_info=True)


def _forget_loggers(owned: Owned) -> None:
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


def _run_exit_functions(owned: Owned) -> None:
    """Runs its exit functions, as at the end of a process, the last one first."""
    own = [each for each in _exits if each.root == owned.root]
    _exits[:] = [each for each in _exits if each.root != owned.root]
    for each in reversed(own):
        atexit.unregister(each.function)
        try:
            each.function(*each.args, **each.kwargs)
        except Exception:
            logger.warning("an exit function of %s failed", owned.root, exc_info=True)


def _forget_filters(owned: Owned) -> None:
    """Removes filters of warnings by classes of the version."""
    own = [each for each in warnings.filters if owned(each[2])]
    for each in own:
        warnings.filters.remove(each)  # type: ignore[attr-defined]
    if own:
        warnings._filters_mutated()  # type: ignore[attr-defined]


def _forget_reducers(owned: Owned) -> None:
    for cls in [cls for cls in list(copyreg.dispatch_table) if owned(cls)]:
        del copyreg.dispatch_table[cls]


def _forget_importers(owned: Owned) -> None:
    sys.meta_path[:] = [each for each in sys.meta_path if not owned(each)]
    sys.path_hooks[:] = [each for each in sys.path_hooks if not owned(each)]


def _forget_registered(owned: Owned) -> None:
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
    clear_caches,
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
