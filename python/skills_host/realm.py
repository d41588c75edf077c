"""Module namespaces of plugins: each plugin imports from its own folders and the shared venv.

Plugins put their own folders at the front of `sys.path` and then import `lib.client`,
`skills_plugin.formatters` and the like as top-level modules, at load and lazily inside request
handlers. Two plugins may use the same names.

A `Realm` gives a plugin a private root package, `_plugin_NAME`. A module that is found in a
folder the plugin added is imported below that root (`_plugin_jira.lib.client`), so in
`sys.modules` no two plugins ever share a name, and pickling, `inspect`, dataclasses and
tracebacks work as for any module. `import lib.client` in the plugin's code resolves to it: each of
its modules runs with a `__builtins__` of its own, whose `__import__` is the realm's. CPython looks
it up in the globals of the code that imports, so it works at any time and on any thread, and
third-party code, which has the ordinary `__builtins__`, pays nothing.

`import sys` and `import importlib` inside a realm give stand-ins: `sys.path` and `sys.modules`
are the plugin's view, `importlib.import_module` resolves its names, everything else is the real
module's.

Resolution order, first match wins:

1. `skills_daemon` is always the daemon's.
2. A module that the plugin has imported stays the same, as in any Python, and so does one that a
   shared module of the plugin has imported: a copy in a folder added later is ignored.
3. A standard library module that is loaded already, as everywhere in Python.
4. Modules in folders that the plugin added to its `sys.path`.
5. Everything else: the venv and the standard library, shared by all plugins.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from pathlib import Path
from typing import Any, TypeAlias

from skills_host import cleanup
from skills_host.imports import with_their_imports
from skills_host.place import OWN

_import = builtins.__import__

#: Shared, even where a plugin's folders hold a copy.
_ALWAYS_SHARED = frozenset({"skills_daemon", "sys", "importlib", "builtins"})

#: Where modules lie that are not a plugin's, though its `sys.path` may name a folder there.
_INSTALLED = tuple(
    os.path.join(sysconfig.get_path(name), "")
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


#: Receives a file's path, its size and when it was modified, in nanoseconds.
Executed: TypeAlias = Callable[[str, int, int], None]


def _ignored(path: str, size: int, modified: int) -> None:
    """Receives what nothing asks for."""


class Realm:
    """The modules of one plugin.

    Args:
        name: The plugin's name.
        executed: Receives each file before it is executed, but none of the standard library or
            the venv.

    Attributes:
        root: Name of the private root package.
        path: The plugin's view of `sys.path`; a list that the plugin changes.
        executed: As given.
    """

    def __init__(self, name: str, executed: Executed = _ignored) -> None:
        self.executed = executed
        slug = "".join(c if c.isalnum() else "_" for c in name)
        self.root = f"{OWN}{slug}"
        self._root_module = types.ModuleType(self.root)
        # In one step: two versions of a plugin may be imported at once.
        while sys.modules.setdefault(self.root, self._root_module) is not self._root_module:
            self.root += "_"
        self._root_module.__name__ = self.root
        self.path = list(sys.path)
        self._shared_path = frozenset(sys.path)
        self._folders: tuple[str, ...] = ()
        self._owned: dict[str, bool] = {}
        # Top-level names of the shared modules that the plugin has imported.
        self._shared: set[str] = set()
        self._root_module.__path__ = []
        self._sys = _RealmSys(self)
        self._importlib = _RealmImportlib(self)
        self.builtins = {**vars(builtins), "__import__": self._import}
        _finder.realms[self.root] = self

    def execute(self, init_file: Path) -> types.ModuleType:
        """Imports a package's `__init__.py`, or a single file, as a module of the realm.

        Args:
            init_file: Absolute path of the file.

        Returns:
            The module, under the name of its folder or file.
        """
        is_package = init_file.name == "__init__.py"
        stem = init_file.parent.name if is_package else init_file.stem
        top = "".join(c if c.isalnum() else "_" for c in stem) or "plugin"
        name = f"{self.root}.{top}"
        spec = importlib.util.spec_from_file_location(
            name,
            init_file,
            loader=_RealmLoader(self, name, str(init_file)),
            submodule_search_locations=[str(init_file.parent)] if is_package else None,
        )
        if spec is None or spec.loader is None:
            raise ImportError(f"{init_file} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        setattr(self._root_module, top, module)
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
        return module

    def import_module(self, name: str, package: str | None = None) -> types.ModuleType:
        """Imports `name`, which may be relative to `package`, as the plugin's own code would."""
        if name.startswith("."):
            anchor = package if package is None else self.qualified(package)
            return importlib.import_module(name, anchor)
        qualified = self.qualified(name)
        module = importlib.import_module(qualified)
        if qualified == name:
            self._shared.add(name.partition(".")[0])
        return module

    def qualified(self, name: str) -> str:
        """Returns the name in `sys.modules` of the module that the plugin imports as `name`."""
        return f"{self.root}.{name}" if self._owns(name.partition(".")[0]) else name

    def forget(self, name: str) -> None:
        """Removes the module that the plugin imports as `name` from `sys.modules`.

        Raises:
            KeyError: It is not there.
        """
        del sys.modules[self.qualified(name)]
        self._shared.discard(name)
        self._owned.pop(name, None)

    def close(self) -> None:
        """Removes the realm's modules from `sys.modules`, and what refers to them elsewhere."""
        mine = f"{self.root}."
        names = [name for name in list(sys.modules) if name.startswith(mine)]
        files = [getattr(sys.modules.pop(name), "__file__", None) for name in names]
        cleanup.forget(self.root, filter(None, files))
        # Not before: a later version that gets the name would be taken for this one.
        _finder.realms.pop(self.root, None)
        sys.modules.pop(self.root, None)

    def _owns(self, top: str) -> bool:
        folders = tuple(f for f in map(str, self.path) if f not in self._shared_path)
        if folders != self._folders:
            self._folders = folders
            self._owned.clear()
            self._root_module.__path__[:] = folders
        owned = self._owned.get(top)
        if owned is None:
            owned = self._owned[top] = self._find(top)
        return owned

    def _find(self, top: str) -> bool:
        if top in _ALWAYS_SHARED or not top:
            return False
        if f"{self.root}.{top}" in sys.modules:
            return True
        if top in sys.stdlib_module_names and top in sys.modules:
            return False
        spec = importlib.machinery.PathFinder.find_spec(top, list(self._folders))
        if spec is None:
            return False
        # A folder without `__init__.py` gives way to a real module anywhere on the path.
        if spec.origin is None and importlib.machinery.PathFinder.find_spec(top) is not None:
            return False
        return not (top in sys.modules and top in with_their_imports(self._shared))

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        if level == 0:
            top = name.partition(".")[0]
            if self._owns(top):
                module = _import(f"{self.root}.{name}", globals, locals, fromlist or (), 0)
                # Not the root's attribute, which a package that imports itself does not have yet.
                return module if fromlist else sys.modules[f"{self.root}.{top}"]
            if top == "sys":
                return self._sys
            if name == "importlib" or (top == "importlib" and not fromlist):
                _import(name, globals, locals, fromlist or (), 0)
                return self._importlib
            module = _import(name, globals, locals, fromlist or (), 0)
            self._shared.add(top)
            return module
        return _import(name, globals, locals, fromlist or (), level)


class SourceLoader(importlib.machinery.SourceFileLoader):
    """Loads the source files of plugins."""

    def path_stats(self, path: str) -> dict[str, int]:
        """Returns what bytecode is checked against, with microseconds for edits between reloads."""
        stats = os.stat(path)
        return {"mtime": stats.st_mtime_ns // 1000, "size": stats.st_size}


class _RealmLoader(SourceLoader):
    """Runs a module with its realm's `__builtins__`."""

    def __init__(self, realm: Realm, name: str, path: str) -> None:
        super().__init__(name, path)
        self._realm = realm

    def exec_module(self, module: types.ModuleType) -> None:
        vars(module)["__builtins__"] = self._realm.builtins
        if not self.path.startswith(_INSTALLED):
            stats = os.stat(self.path)
            self._realm.executed(os.path.abspath(self.path), stats.st_size, stats.st_mtime_ns)
        super().exec_module(module)


class _RealmFinder(MetaPathFinder):
    """Finds modules below the root packages of all realms."""

    def __init__(self) -> None:
        self.realms: dict[str, Realm] = {}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        realm = self.realms.get(fullname.partition(".")[0])
        if realm is None or path is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            loader: Loader = _RealmLoader(realm, fullname, spec.loader.path)
            spec.loader = loader
        return spec


class _RealmSys(types.ModuleType):
    """Stand-in for `sys` in a plugin: its own `path` and `modules`, all else from the real one."""

    def __init__(self, realm: Realm) -> None:
        super().__init__("sys", sys.__doc__)
        vars(self).update(path=realm.path, modules=_RealmModules(realm))

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "path":
            self.path[:] = value
        else:
            setattr(sys, name, value)

    def __dir__(self) -> list[str]:
        return dir(sys)


class _RealmModules(MutableMapping[str, Any]):
    """Stand-in for `sys.modules` in a plugin: its own modules under their unqualified names."""

    def __init__(self, realm: Realm) -> None:
        self._realm = realm

    def __getitem__(self, name: str) -> Any:
        own = sys.modules.get(f"{self._realm.root}.{name}")
        return sys.modules[name] if own is None else own

    def __setitem__(self, name: str, module: Any) -> None:
        sys.modules[self._realm.qualified(name)] = module

    def __delitem__(self, name: str) -> None:
        self._realm.forget(name)

    def __iter__(self) -> Iterator[str]:
        mine = f"{self._realm.root}."
        own = [name.removeprefix(mine) for name in list(sys.modules) if name.startswith(mine)]
        return iter([*own, *sys.modules])

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _RealmImportlib(types.ModuleType):
    """Stand-in for `importlib` in a plugin: `import_module` resolves its own modules."""

    def __init__(self, realm: Realm) -> None:
        super().__init__("importlib", importlib.__doc__)
        vars(self).update(_realm=realm, __path__=importlib.__path__)

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib, name)

    def import_module(self, name: str, package: str | None = None) -> types.ModuleType:
        """Imports a module by name, as `importlib.import_module` does."""
        realm: Realm = self._realm
        return realm.import_module(name, package)


_finder = _RealmFinder()
sys.meta_path.insert(0, _finder)
