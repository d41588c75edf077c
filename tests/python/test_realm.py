"""Module namespaces of plugins: `skills_host.realm`, without the daemon."""

import inspect
import pickle
import sys
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import NamedTuple

import pytest

from skills_host.realm import Realm

INIT = """
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from skills_plugin.helpers import who
from .helpers import who as who_relative
import lib.client
import json


def lazily():
    import lib.late
    from lib import client

    return lib.late.NAME, client.NAME


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x
"""


class Loaded(NamedTuple):
    realm: Realm
    module: ModuleType


@pytest.fixture
def make(tmp_path: Path):
    realms = []

    def load(name: str, init: str = INIT) -> Loaded:
        scripts = tmp_path / name / "scripts"
        for file, text in {
            "skills_plugin/__init__.py": init,
            "skills_plugin/helpers.py": f"def who():\n    return {name!r}\n",
            "lib/__init__.py": "",
            "lib/client.py": f"NAME = {name!r}\n",
            "lib/late.py": f"NAME = {name!r} + ' late'\n",
        }.items():
            path = scripts / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text))
        realm = Realm(name)
        realms.append(realm)
        return Loaded(realm, realm.execute(scripts / "skills_plugin" / "__init__.py"))

    yield load
    for realm in realms:
        realm.close()


def test_each_own_file_is_reported_before_it_is_executed(tmp_path):
    package = tmp_path / "skills_plugin"
    (tmp_path / "lib").mkdir()
    package.mkdir()
    (package / "__init__.py").write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport json\nfrom lib import client\n"
        "from . import own\n"
        "def late():\n    import lib.late\n"
    )
    (package / "own.py").write_text("")
    (tmp_path / "lib" / "client.py").write_text("")
    (tmp_path / "lib" / "late.py").write_text("1 / 0\n")
    files = []
    realm = Realm("reported", lambda path, size, modified: files.append(path))
    try:
        module = realm.execute(package / "__init__.py")
        names = ["skills_plugin/__init__.py", "lib/client.py", "skills_plugin/own.py"]
        assert files == [str(tmp_path / name) for name in names]
        with pytest.raises(ZeroDivisionError):
            module.late()
        assert files[3:] == [str(tmp_path / "lib" / "late.py")]
    finally:
        realm.close()


def test_two_plugins_with_the_same_names_see_their_own(make):
    a, b = make("a").module, make("b").module
    assert (a.who(), a.who_relative(), a.lib.client.NAME) == ("a", "a", "a")
    assert (b.who(), b.who_relative(), b.lib.client.NAME) == ("b", "b", "b")
    assert a.lazily() == ("a late", "a")
    assert b.lazily() == ("b late", "b")


def test_nothing_leaks_into_the_process(make):
    before = list(sys.path)
    make("a")
    assert sys.path == before
    assert not {"skills_plugin", "lib", "lib.client"} & set(sys.modules)


def test_shared_modules_are_shared(make):
    import json

    assert make("a").module.json is json


def test_the_sdk_is_always_the_daemons(make, tmp_path):
    fake = tmp_path / "fake"
    (fake / "skills_daemon").mkdir(parents=True)
    (fake / "skills_daemon" / "__init__.py").write_text("raise ImportError('the wrong one')")
    init = f"""
        import sys
        sys.path.insert(0, {str(fake)!r})
        import skills_daemon
        from skills_daemon.formatters import FORMATTERS
    """
    import skills_daemon

    assert make("a", dedent(init)).module.skills_daemon is skills_daemon


def test_pickle_inspect_and_tracebacks_work(make):
    module = make("a").module
    assert pickle.loads(pickle.dumps(module.Point(3))) == module.Point(3)
    assert "class Point" in inspect.getsource(module.Point)
    assert "import lib.late" in inspect.getsource(module.lazily)
    with pytest.raises(TypeError) as caught:
        module.Point()
    assert module.Point.__module__ in sys.modules
    assert caught.value.__traceback__ is not None


def test_importlib_and_sys_show_the_plugins_view(make):
    init = """
        import importlib
        import importlib.util
        import sys
        from pathlib import Path

        sys.path.insert(0, str(Path(__file__).parent.parent))
        client = importlib.import_module("lib.client")
        relative = importlib.import_module(".helpers", __package__)
        named = importlib.import_module(".helpers", "skills_plugin")
        listed = sys.modules["lib.client"]
        found = importlib.util.find_spec("json") is not None
        version = sys.version_info
    """
    module = make("a", init).module
    assert module.client.NAME == "a"
    assert module.relative.who() == "a"
    assert module.named is module.relative
    assert module.listed is module.client
    assert module.found
    assert module.version == sys.version_info


def test_assigning_sys_path_changes_the_plugins_view_only(make, tmp_path):
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "odd.py").write_text("VALUE = 7")
    init = f"""
        import sys
        sys.path = [{str(extra)!r}] + sys.path
        import odd
    """
    before = list(sys.path)
    assert make("a", init).module.odd.VALUE == 7
    assert sys.path == before


def test_a_loaded_standard_module_wins_over_a_private_one(make, tmp_path):
    extra = tmp_path / "extra"
    extra.mkdir()
    (extra / "logging.py").write_text("raise ImportError('the wrong one')")
    init = f"""
        import sys
        sys.path.insert(0, {str(extra)!r})
        import logging
    """
    import logging

    assert make("a", init).module.logging is logging


def test_a_failed_load_leaves_nothing_behind(make):
    with pytest.raises(ZeroDivisionError):
        make("broken", "1 / 0")
    assert [name for name in sys.modules if name.startswith("_plugin_broken.")] == []


def test_closing_forgets_the_modules_and_the_next_load_is_fresh(make):
    first = make("a")
    first.realm.close()
    assert not [name for name in sys.modules if name.startswith(first.realm.root)]
    second = make("a")
    assert second.module is not first.module
    assert second.module.lazily() == ("a late", "a")


def shadowing(tmp_path: Path, **modules: str) -> str:
    """Makes a folder with packages and modules of the given names and sources."""
    folder = tmp_path / "shadowing"
    for name, text in modules.items():
        path = folder / name.replace("__", "/")
        path = path / "__init__.py" if "__" not in name else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return str(folder)


def test_what_is_imported_stays_imported(make, tmp_path):
    folder = shadowing(tmp_path, rich="MINE = 1", rich__text="MINE = 1", rich__extra="MINE = 1")
    init = f"""
        import importlib
        import sys
        import rich
        from rich import print as first

        sys.path.insert(0, {folder!r})
        import rich as second
        import rich.text
        import rich.text as text
        from rich.text import Text
        from rich import console
        named = importlib.import_module("rich")
        named_text = importlib.import_module("rich.text")
        relative = importlib.import_module(".text", "rich")
        listed = sys.modules["rich"]
        try:
            import rich.extra
        except ModuleNotFoundError as error:
            missing = error.name


        def lazily():
            import rich.table
            from rich import table

            return rich.table, table
    """
    import rich
    import rich.table
    import rich.text

    module = make("a", init).module
    assert all(each is rich for each in (module.rich, module.second, module.named, module.listed))
    assert all(each is rich.text for each in (module.text, module.named_text, module.relative))
    assert module.Text is rich.text.Text
    assert module.missing == "rich.extra"
    assert module.lazily() == (rich.table, rich.table)


def test_what_an_imported_module_has_imported_stays_imported_too(make, tmp_path):
    folder = shadowing(
        tmp_path, starlette="MINE = 1", pydantic="MINE = 1", docstring_parser="MINE = 1"
    )
    init = f"""
        import sys
        import fastapi

        sys.path.insert(0, {folder!r})
        import starlette
        from pydantic import BaseModel
        import docstring_parser
    """
    import docstring_parser
    import fastapi
    import pydantic
    import starlette

    module = make("a", init).module
    assert module.fastapi is fastapi
    assert module.starlette is starlette
    assert module.BaseModel is pydantic.BaseModel
    # No module that this plugin has imported needs it, though another plugin's does.
    assert module.docstring_parser is not docstring_parser
    assert module.docstring_parser.MINE == 1


def test_what_was_not_imported_before_is_found_in_the_plugins_folder(make, tmp_path):
    folder = shadowing(tmp_path, rich="MINE = 1", absent="MINE = 1")
    init = f"""
        import sys
        try:
            import absent
        except ImportError:
            sys.path.insert(0, {folder!r})
            import absent
        import rich
    """
    import rich

    first, second = make("a", init).module, make("b", init).module
    assert first.absent.MINE == second.absent.MINE == first.rich.MINE == 1
    assert len({id(first.rich), id(second.rich), id(rich)}) == 3


def test_a_module_that_was_taken_out_of_sys_modules_is_looked_for_again(make, tmp_path):
    folder = shadowing(tmp_path, wsgiref_like="MINE = 1")
    other = tmp_path / "venv"
    other.mkdir()
    (other / "wsgiref_like.py").write_text("MINE = 0")
    init = f"""
        import sys
        import wsgiref_like as first

        sys.path.insert(0, {folder!r})
        import wsgiref_like as second
        del sys.modules["wsgiref_like"]
        import wsgiref_like as third
        import wsgiref_like as fourth
    """
    sys.path.append(str(other))
    try:
        module = make("a", init).module
    finally:
        sys.path.remove(str(other))
        sys.modules.pop("wsgiref_like", None)
    assert (module.first.MINE, module.second, module.third.MINE) == (0, module.first, 1)
    assert module.fourth is module.third


def test_a_package_of_the_plugin_may_import_from_itself_while_it_is_imported(make, tmp_path):
    folder = shadowing(
        tmp_path,
        own="import own.part\nimport own.part as part\nfrom own import part as again\n",
        own__part="import own\nWHOLE = own",
    )
    init = f"import sys\nsys.path.insert(0, {folder!r})\nimport own\n"
    own = make("a", init).module.own
    assert own.own is own
    assert own.part.WHOLE is own
    assert own.again is own.part
