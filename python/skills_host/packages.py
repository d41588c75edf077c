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

# The directories of packages in use so far, the newest one last.
_used: list[str] = [sysconfig.get_path("purelib")]


def follow(new: str, python: str) -> None:
    """Lets imports find packages in the directory `new` in place of the one in use.

    Files `*.pth` of `new` count as they do when Python starts.

    Args:
        new: The directory of packages of another environment of the same interpreter.
        python: The interpreter of that environment, for subprocesses.
    """
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
    importlib.invalidate_caches()
    site.addsitedir(_used[-1])


def imported() -> list[str]:
    """Returns the files of imported modules, relative to the directory of packages of each."""
    prefixes = tuple(directory + os.sep for directory in _used)
    files = []
    for module in list(sys.modules.values()):
        # Some modules compute their attributes.
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str):
            files += [file[len(prefix) :] for prefix in prefixes if file.startswith(prefix)]
    return files
