"""The directory of installed packages: what is imported from it, and its replacement by another.

A process may use several one after the other: modules that are imported stay those of the directory
that they came from, later imports find the newest one.
"""

from __future__ import annotations

import importlib
import os
import site
import sys
import sysconfig
import threading
import types
from importlib.machinery import EXTENSION_SUFFIXES
from typing import ClassVar

# Neither function that it guards may run twice at once, nor with the other: both remove entries
# from shared containers that they have listed before.
_lock = threading.Lock()
# The directories of packages in use so far, the newest one last.
_used: list[str] = [sysconfig.get_path("purelib")]


def follow(new: str, python: str) -> None:
    """Lets imports find packages in the directory `new` in place of the one in use.

    Files `*.pth` of `new` count as they do when Python starts.

    Args:
        new: The directory of packages of another environment of the same interpreter.
        python: The interpreter of that environment, for subprocesses.
    """
    with _lock:
        _follow(new, python)


def _follow(new: str, python: str) -> None:
    old = _used[-1]
    if new == old:
        return
    before = list(sys.path)
    at = before.index(old)
    site.addsitedir(new)
    added = [entry for entry in sys.path if entry not in before]
    # One step, for threads that import meanwhile.
    sys.path[:] = [*before[:at], *added, *before[at + 1 :]]
    sys.path_importer_cache.pop(old, None)
    importlib.invalidate_caches()
    sys.prefix = sys.exec_prefix = os.path.dirname(os.path.dirname(python))
    sys.executable = python
    site.PREFIXES[:] = [sys.prefix, sys.exec_prefix]
    _used.append(new)


def refresh() -> None:
    """Lets imports find what was put into the directory of packages by hand."""
    with _lock:
        importlib.invalidate_caches()
        site.addsitedir(_used[-1])


def imported() -> list[str]:
    """Returns the files of imported modules, relative to the directory of packages of each.

    Those of modules that an import has not found are among them: what has asked for one, FastAPI
    for a parser of forms, say, goes on without it until the process ends.
    """
    folders = tuple(os.path.join(os.path.realpath(folder), "") for folder in _used)
    files = []
    for module in list(sys.modules.values()):
        # Anything may be there.
        file = vars(module).get("__file__") if issubclass(type(module), types.ModuleType) else None
        if isinstance(file, str):
            file = os.path.realpath(file)
            files += [file.removeprefix(folder) for folder in folders if file.startswith(folder)]
    endings = [os.sep + "__init__.py", ".py", *EXTENSION_SUFFIXES]
    return files + [name + ending for name in _Missed.names.copy() for ending in endings]


class _Missed:
    """The last finder: it gets the names that no other has found, and finds none."""

    names: ClassVar[set[str]] = set()

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> None:
        if path is None and name not in sys.stdlib_module_names:
            cls.names.add(name)


sys.meta_path.append(_Missed)
