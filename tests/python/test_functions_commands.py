"""Commands of a module: their functions, names and methods."""

import sys
from pathlib import Path

import pytest

from skills_host.functions.discover import READING, commands, named
from skills_host.realm import Realm


@pytest.fixture
def found(tmp_path: Path):
    """Finds the commands of a plugin with this code: `found(code)`."""
    realms = []

    def find(code: str, **others: str):
        folder = tmp_path / f"plugin{len(realms)}" / "skills_plugin"
        folder.mkdir(parents=True)
        for name, text in {"__init__": code, **others}.items():
            (folder / f"{name}.py").write_text(text)
        realms.append(Realm(f"plugin{len(realms)}"))
        return commands(realms[-1].execute(folder / "__init__.py"))

    yield find
    for realm in realms:
        realm.close()


def names(found) -> list[str]:
    return [each.name for each in found]


def test_public_functions_are_commands_in_order_of_declaration(found):
    code = """
def second_to_none(): ...
def add(): ...
async def wait(): ...
def stream():
    yield 1
async def watch():
    yield 1
"""
    assert names(found(code)) == ["second-to-none", "add", "wait", "stream", "watch"]


def test_what_is_private_or_no_function_is_no_command(found):
    code = """
class Client:
    def get(self): ...
class Caller:
    def __call__(self): ...
call = Caller()
number = 1
kind = int
def _private(): ...
def __very(): ...
def add(): ...
"""
    assert names(found(code)) == ["add"]


def test_the_hooks_are_no_commands(found):
    hooks = ["startup", "connect", "reconnect", "shutdown", "health_check"]
    code = "\n".join(f"def {name}(): ..." for name in [*hooks, "add"])
    assert names(found(code)) == ["add"]
    assert names(found(f"{code}\n__all__ = {hooks} + ['add']")) == ["add"]


def test_imported_functions_are_no_commands_unless_all_names_them(found):
    code = "from math import sqrt\nfrom .helpers import help_out\ndef add(): ...\n"
    helpers = "def help_out(): ...\n"
    assert names(found(code, helpers=helpers)) == ["add"]
    listed = code + "__all__ = ['help_out', 'sqrt']"
    assert names(found(listed, helpers=helpers)) == ["help-out", "sqrt"]


def test_all_decides_alone_and_gives_the_order(found):
    code = """
__all__ = ["b", "_hidden", "Kind", "nothing", "a"]
class Kind: ...
def a(): ...
def b(): ...
def c(): ...
def _hidden(): ...
"""
    assert names(found(code)) == ["b", "hidden", "a"]
    assert found("__all__ = []\ndef add(): ...") == []


def test_where_one_is_marked_only_marked_ones_are_commands(found):
    code = """
from skills_daemon.commands import command
from .helpers import shared
__all__ = ["unmarked"]
def unmarked(): ...
@command
def _hidden(): ...
@command(name="go", method="GET")
def run(): ...
"""
    helpers = "from skills_daemon.commands import command\n@command\ndef shared(): ...\n"
    marked = found(code, helpers=helpers)
    assert [(each.name, each.method) for each in marked] == [
        ("shared", "POST"),
        ("hidden", "POST"),
        ("go", "GET"),
    ]


@pytest.mark.parametrize("word", READING)
def test_a_reading_word_makes_it_get(found, word):
    code = f"def {word}_users(): ...\ndef {word}_(): ...\ndef {word}ing(): ...\n"
    methods = [each.method for each in found(code)]
    assert methods == ["GET", "GET", "POST"]


def test_the_mark_decides_the_method_against_the_name(found):
    code = """
from skills_daemon.commands import command
@command(method="POST")
def get_and_forget(): ...
@command(method="GET")
def add(): ...
"""
    assert [each.method for each in found(code)] == ["POST", "GET"]


def test_underscores_around_a_name_are_not_part_of_it(found):
    assert names(found("def import_(): ...\ndef print_all_(): ...")) == ["import", "print-all"]


def test_the_name_in_the_module_counts(found):
    # `__name__` of these is `<lambda>` and `wrapper`.
    code = """
def bare(function):
    def wrapper(*args):
        return function(*args)
    return wrapper
double = lambda x: 2 * x
@bare
def get_one(): ...
del bare
"""
    assert [(each.name, each.method) for each in found(code)] == [
        ("double", "POST"),
        ("get-one", "GET"),
    ]


def test_of_several_names_the_first_counts(found):
    assert names(found("def add(): ...\nplus = add\n")) == ["add"]


def test_a_cached_function_is_a_command(found):
    code = """
import functools
@functools.cache
def get_rates(): return 1
@functools.lru_cache(maxsize=3)
def _hidden(): ...
"""
    [rates] = found(code)
    assert (rates.name, rates.function()) == ("get-rates", 1)


@pytest.fixture
def realm():
    made = Realm("named")
    yield made
    made.close()


def spec(call: str, method: str | None = None, summary: str | None = None):
    return {"call": call, "method": method, "summary": summary}


def test_a_manifest_names_functions_of_packages(realm):
    made = named(
        realm,
        {
            "root": spec("math:sqrt", "GET", "The root"),
            "join": spec("os:path.join"),
            "size": spec("os.path:getsize"),
            "find": spec("shutil:which"),
            "read": spec("pathlib:Path.read_text"),
        },
    )
    assert [(each.name, each.method) for each in made] == [
        ("root", "GET"),
        ("join", "POST"),
        ("size", "POST"),
        ("find", "POST"),
        # By the function's own name.
        ("read", "GET"),
    ]
    assert (made[0].function(9), made[0].summary, made[1].summary) == (3, "The root", None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("math:root", "commands.it: math has no root"),
        ("os:path.joint", "commands.it: os has no path.joint"),
        ("math:pi", "commands.it: math:pi is no function"),
        ("no_such_module:it", "no_such_module"),
    ],
)
def test_a_manifest_that_names_no_function_is_reported(realm, call, message):
    with pytest.raises(ImportError, match=message):
        named(realm, {"it": spec(call)})


def test_looking_for_commands_imports_no_framework(tmp_path):
    # The plugin's own process has them anyway, so a fresh one looks.
    from subprocess import run

    code = (
        "import sys, types; import skills_host.functions.discover as d;"
        "import skills_host.functions.application;"
        "m = types.ModuleType('m'); exec('def add(n: int): ...', vars(m));"
        "from skills_host.functions.command import Command;"
        "[c] = map(Command, d.commands(m)); assert c.from_query({'n': ['1']}) == {'n': 1};"
        "print({'fastapi', 'pydantic', 'starlette'} & set(sys.modules))"
    )
    source = str(Path(__file__).parents[2] / "python")
    env = {"PYTHONPATH": source, "HOME": str(tmp_path)}
    done = run([sys.executable, "-B", "-c", code], env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
