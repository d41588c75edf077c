"""A plugin of plain functions: its description, and how its commands are called directly."""

import functools
import json
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Lt, MinLen, MultipleOf
from pydantic import Field

from skills_host.functions.command import Command
from skills_host.functions.discover import Found, commands
from skills_host.functions.plan import Plan
from skills_host.functions.plugin import FunctionsPlugin
from skills_host.functions.stream import Items
from skills_host.loader import LoadError, load
from skills_host.realm import Realm


class Tone(Enum):
    WARM = "warm"
    COLD = "cold"


class Level(Enum):
    LOW = 1


def plan_of(annotation: Any, default: Any = None) -> Plan:
    def function(v=default): ...

    function.__annotations__ = {"v": annotation}
    return Plan(Command(Found("it", "GET", function)))


@pytest.fixture
def plugin(tmp_path):
    """Loads a plugin with this code, as the daemon does."""
    loaded = []

    def make(code: str) -> FunctionsPlugin:
        file = tmp_path / f"{len(loaded)}" / "skills_plugin" / "__init__.py"
        file.parent.mkdir(parents=True)
        file.write_text(code)
        loaded.append(load(str(file), "greet", None))
        return loaded[-1]

    yield make
    for each in loaded:
        each.close()


def test_a_module_of_functions_is_a_plugin(plugin):
    made = plugin('"""Greetings.\n\nMore."""\n__version__ = "2.0"\ndef add(n: int): ...\n')
    assert isinstance(made, FunctionsPlugin)
    described = json.loads(made.describe())
    assert (described["name"], described["version"]) == ("greet", "2.0")
    assert described["description"] == "Greetings."
    assert list(described["openapi"]["paths"]) == ["/greet/add"]


def test_name_and_version_have_defaults_and_can_be_set(plugin):
    made = plugin("def add(): ...")
    assert (made.name, made.version, made.description) == ("greet", "1.0.0", "")
    assert plugin("__plugin_name__ = 'other'\ndef add(): ...").name == "other"


def test_a_module_without_commands_is_no_plugin(plugin):
    with pytest.raises(LoadError, match="nor public functions"):
        plugin("import os\ndef _private(): ...\n")


def test_hooks_are_found_at_the_instance(plugin):
    made = plugin("def startup(): return 'up'\ndef add(): ...\n")
    assert made.instance.startup() == "up"


def test_a_function_that_cannot_be_a_command_leaves_the_others(plugin):
    made = plugin("def odd(value: type(print)): ...\ndef add(value: 'Lost' = 1): ...\n")
    described = json.loads(made.describe())
    assert [route["path"] for route in described["routes"]] == ["/add"]
    odd, add = described["warnings"]
    assert odd.startswith("odd is no command: parameter value: ")
    assert add == "add: the annotation of value cannot be evaluated: name 'Lost' is not defined"


CODE = """
import functools
def get_sum(a: int, b: int = 1): ...
def add(a: int): ...
async def get_later(): ...
def logged(function):
    @functools.wraps(function)
    def wrapper(): return function()
    return wrapper
@logged
async def get_wrapped(): ...
def list_numbers(): yield 1
"""


def test_commands_are_called_directly(plugin):
    made = plugin(CODE)
    described = json.loads(made.describe())
    routes = {route["path"]: route for route in described["routes"]}
    assert routes["/get-sum"]["methods"] == ["GET"]
    assert routes["/get-sum"]["plan"] == {
        "number": 0,
        "begins_on_loop": False,
        "parameters": [
            {"name": "a", "in": "query", "required": True, "kind": {"int": {}}},
            {"name": "b", "in": "query", "required": False, "kind": {"int": {}}},
        ],
    }
    assert routes["/get-later"]["plan"]["begins_on_loop"] is True
    assert routes["/list-numbers"]["plan"]["begins_on_loop"] is False
    assert routes["/add"]["methods"] == ["POST"]
    assert {field["in"] for field in routes["/add"]["plan"]["parameters"]} == {"body"}
    # It returns a coroutine, which shows only in a call.
    assert routes["/get-wrapped"]["why"] == "it wraps a coroutine function"
    assert len(made.plans) == 5


def test_a_second_description_is_the_first(plugin):
    made = plugin(CODE)
    assert made.describe() == made.describe()
    assert len(made.plans) == 5


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (str, {"str": {}}),
        (int, {"int": {}}),
        (float, {"float": {}}),
        (bool, "bool"),
        (int | None, {"int": {}}),
        (Tone, {"choice": ["warm", "cold"]}),
        (Literal["a", "b"] | None, {"choice": ["a", "b"]}),
        (Annotated[int, Ge(1), Lt(5)], {"int": {"ge": 1, "lt": 5}}),
        (Annotated[int, Ge(1)] | None, {"int": {"ge": 1}}),
        (Annotated[int | None, Ge(1)], {"int": {"ge": 1}}),
        (Annotated[str, "Help"], {"str": {}}),
        (Annotated[float, Ge(0.1), Lt(10.5)], {"float": {"ge": 0.1, "lt": 10.5}}),
        # The library cannot check these itself.
        (Annotated[int, MultipleOf(3)], "text"),
        (Annotated[int, Field(ge=1)], "text"),
        (Annotated[int, Field(ge=1)] | None, "text"),
        (Annotated[bool, Field(description="x")], "text"),
        (Annotated[str, MinLen(1)], "text"),
        (Level, "text"),
        (Literal["a", 1], "text"),
        (int | str, "text"),
        (Path, "text"),
        (dict[str, int], "text"),
        (Any, "text"),
        (list[int], "texts"),
        (set[str] | None, "texts"),
        (str | list[str], "texts"),
    ],
)
def test_the_library_converts_only_the_kinds_that_it_has(annotation, kind):
    plan = plan_of(annotation)
    [parameter] = plan.spec()["parameters"]
    assert parameter == {"name": "v", "in": "query", "required": False, "kind": kind}
    # What the library does not convert itself has a validator, and nothing else has one.
    [(_, _, _, choices, validate)] = plan.binder[0]
    assert (validate is not None) == (kind in ("text", "texts"))
    assert len(choices) == (len(kind.get("choice", ())) if isinstance(kind, dict) else 0)


def test_choices_are_passed_as_what_they_stand_for():
    [(name, default, make, choices, validate)] = plan_of(Tone, Tone.COLD).binder[0]
    assert (name, default, make, validate) == ("v", Tone.COLD, None, None)
    assert choices == [Tone.WARM, Tone.COLD]


@pytest.mark.parametrize(
    ("annotation", "good", "value", "bad"),
    [
        (Path, "/a", Path("/a"), None),
        (list[int], ["1", "2"], [1, 2], ["1", "x"]),
        (dict[str, int], '{"a": 1}', {"a": 1}, "x"),
        (Annotated[int, Field(ge=1)], "1", 1, "0"),
        (Annotated[str, MinLen(2)], "ab", "ab", "a"),
        (Level, "1", Level.LOW, "2"),
    ],
)
def test_what_python_converts_is_refused_with_a_truth(annotation, good, value, bad):
    [(*_, validate)] = plan_of(annotation).binder[0]
    assert validate(good) == (value, None)
    if bad is not None:
        nothing, error = validate(bad)
        # The library only tests whether the error is true.
        assert nothing is None
        assert bool(error)


def test_a_handler_runs_what_the_command_calls():
    def get_numbers(to: int):
        yield from range(to)

    plan = Plan(Command(Found("get-numbers", "GET", get_numbers)))
    arguments = {"to": 3}
    assert isinstance(plan.tree.handler(**arguments), Items)
    assert plan.encode({1}, None) == b"[1]"
    assert (plan.status, plan.is_plain, plan.is_solved) == (200, True, False)


def test_plugins_of_the_same_functions_are_apart():
    module = ModuleType("m")
    exec("def add(): ...", vars(module))
    realm = Realm("m")
    one, two = [FunctionsPlugin(realm, module, name, commands(module)) for name in ("a", "b")]
    assert [list(json.loads(each.describe())["openapi"]["paths"]) for each in (one, two)] == [
        ["/a/add"],
        ["/b/add"],
    ]
    one.close()


def test_a_partial_function_can_be_a_command():
    def add(a: int, b: int = 2):
        return a + b

    command = Command(Found("add", "GET", functools.partial(add, b=5)))
    assert command.call(**command.from_query({"a": ["1"]})) == 6
