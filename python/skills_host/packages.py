"""The installed packages, as the running interpreter uses them."""

from __future__ import annotations

import importlib
import os
import site
import sys


def imported() -> list[str]:
    """Return the files of all imported modules that lie in the packages' directory, relative to it."""
    folders = {os.path.realpath(folder) + os.sep for folder in site.getsitepackages()}
    files: set[str] = set()
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        real = os.path.realpath(file)
        files.update(real.removeprefix(folder) for folder in folders if real.startswith(folder))
    return sorted(files)


def follow() -> None:
    """Have imports find what lies in the packages' directory now."""
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
