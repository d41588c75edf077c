"""Values of every kind, out of a query and out of JSON, beside FastAPI's own answer.

Each case asks two applications: ours, and a real FastAPI route of the same function. Where the two
differ on purpose, a test of its own shows how and why.
"""

# Both spellings of a union are tested, and so is the older one of a `TypedDict`.
# ruff: noqa: UP007, UP013, UP045

import inspect
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, Union
from uuid import UUID

import msgspec
import pytest
from annotated_types import Ge, Gt, Interval, Len, Lt, MaxLen, MinLen, MultipleOf, Predicate
from fastapi import Body, FastAPI, Query
from pydantic import AfterValidator, BaseModel, Field, HttpUrl, PositiveInt, SecretStr
from pydantic.dataclasses import dataclass as checked_dataclass
from typing_extensions import NotRequired, TypedDict

from skills_host.functions.application import Application
from skills_host.functions.command import Command
from skills_host.functions.discover import Found
from skills_host.functions.signature import Unusable

REQUIRED = inspect.Parameter.empty


class Tone(Enum):
    WARM = "warm"
    COLD = "cold"


class Text(str, Enum):
    A = "a"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Place:
    town: str


@dataclass
class Person:
    name: str
    age: int = 0
    home: Optional[Place] = None
    places: list[Place] = field(default_factory=list)


@dataclass
class Limited:
    size: Annotated[int, Ge(1)]


@dataclass
class LimitedByField:
    size: Annotated[int, Field(ge=1)]


@dataclass
class Node:
    value: int
    nodes: "list[Node]" = field(default_factory=list)


class Movie(TypedDict):
    title: str
    year: NotRequired[int]


class LimitedDict(TypedDict):
    size: Annotated[int, Ge(1)]


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Model(BaseModel):
    size: int
    name: Annotated[str, Field(min_length=1)] = "x"


@dataclass
class Holder:
    model: Model


@checked_dataclass
class Checked:
    size: PositiveInt


def refuse(value: str) -> str:
    raise ValueError("not this one")


Number = NewType("Number", int)


def of(annotation, default=REQUIRED):
    """Returns a function with one parameter, which returns its argument's `repr`."""

    def function(v):
        return repr(v)

    function.__annotations__ = {"v": annotation}
    function.__defaults__ = None if default is REQUIRED else (default,)
    return function


def ours(function, method):
    return Application("p", [Command(Found("it", method, function))])


def fastapi(function, method):
    """The function as a FastAPI route: `GET` with a query, `POST` with a JSON object."""

    def handler(**arguments):
        return function(**arguments)

    place = Query() if method == "GET" else Body(embed=True)
    signature = inspect.signature(function)
    [parameter] = signature.parameters.values()
    hint = function.__annotations__[parameter.name]
    parameters = [parameter.replace(annotation=Annotated[hint, place])]
    handler.__signature__ = signature.replace(parameters=parameters)
    app = FastAPI()
    app.add_api_route("/p/it", handler, methods=[method], response_model=None)
    return app


@pytest.fixture
def outcome(ask):
    """Returns an application's answer to a value: `(200, repr)`, or `(422, problems)`."""

    def answer(app, method, value):
        if method == "GET":
            values = value if isinstance(value, list) else [value]
            options = {"params": [] if value is None else [("v", each) for each in values]}
        else:
            options = {"json": {"v": value}}
        answer = ask(app, method, "/p/it", **options)
        if answer.status_code != 422:
            return answer.status_code, answer.json()
        problems = answer.json()["detail"]
        # Old FastAPI versions add a link to pydantic's documentation.
        return 422, [{k: v for k, v in problem.items() if k != "url"} for problem in problems]

    return answer


def without_message_of_exception(outcome):
    """FastAPI writes an exception of a validator as `{}`, ours its text."""
    status, result = outcome
    if status == 422:
        for problem in result:
            if problem["type"] == "value_error":
                del problem["ctx"]
    return status, result


#: Annotation, and texts of which some fit and some do not; `None` leaves the parameter out, a list
#: gives it several times.
TEXTS = [
    (str, ["a", "", "ü☃", "1", "null", "{", "a b&c=%", None, ["a", "b"]]),
    (int, ["1", "-1", "+1", " 1 ", "007", "1.0", "1_000", "-0", None, ["1", "2"]]),
    (int, ["", "x", "1.5", "1e3", "0x10", "true", "--1", "\u0661", "9" * 30, "9" * 5000]),
    (float, ["1", "-1.5", " 1", "1_0", "1e3", "1e400", "nan", "inf", "-Infinity", "", "x", "1,5"]),
    (bool, ["true", "TRUE", "True", "t", "1", "on", "Yes", "y"]),
    (bool, ["false", "F", "0", "off", "No", "n", "", "2", " true", "x", "null"]),
    (Path, ["/a", "a/../b", "", "."]),
    (date, ["2024-02-29", "2023-02-29", "2024-1-1", "2024-02-29T00:00:00", "0", "", "x"]),
    (datetime, ["2024-02-29T10:00:00", "2024-02-29", "2024-02-29 10:00", "2024-02-30", "", "x"]),
    (time, ["10:00:00", "10:00", "25:00:00", "x"]),
    (timedelta, ["PT1H", "P1D", "x"]),
    (Decimal, ["1.50", "x", ""]),
    (UUID, ["12345678-1234-5678-1234-567812345678", "12345678123456781234567812345678", "x"]),
    (Tone, ["warm", "WARM", "hot", ""]),
    (Text, ["a", "b"]),
    (Level, ["3", "x"]),
    (Literal["a", "b"], ["a", "c", ""]),
    (Literal[1, 2], ["3", "x"]),
    (Number, ["1", "x"]),
    (Union[int, str], ["1", "x"]),
    (Union[date, str], ["2024-01-01", "x"]),
    (list[int], [["1", "2"], "1", ["1", "x"], ["x", "y"], [""], None]),
    (list[str], [["a", "1"], [""], ["[1]"]]),
    (list[Tone], [["warm", "cold"], ["hot"]]),
    (list[Literal["a"]], [["a"], ["c"]]),
    (list[Path], [["/a", "b"]]),
    (list[date], [["2024-01-01"], ["x"]]),
    (list, [["1", "x"]]),
    (list[Any], [["1", "x"]]),
    (set[int], [["1", "1"], ["x"]]),
    (frozenset[str], [["a", "a"]]),
    (tuple[int, str], [["1", "a"], ["1"], ["1", "a", "b"]]),
    (tuple[int, ...], [["1", "2"], ["x"]]),
    (Sequence[int], [["1", "2"], ["x"]]),
    (Union[str, list[str]], ["a", ["a", "b"]]),
    (Annotated[int, Field(ge=1, le=5)], ["1", "5", "0", "6", "x"]),
    (Annotated[int, Ge(1)], ["1", "0", "x"]),
    (Annotated[int, Gt(1), Lt(3)], ["2", "1", "3"]),
    (Annotated[int, Interval(ge=1, lt=3)], ["2", "0", "3"]),
    (Annotated[int, MultipleOf(3)], ["3", "4"]),
    (Annotated[float, Gt(0)], ["0.1", "0", "-1", "nan", "x"]),
    (Annotated[str, MinLen(2), MaxLen(3)], ["ab", "a", "abcd", "ü", ""]),
    (Annotated[str, Len(2, 3)], ["ab", "a", "abcd"]),
    (Annotated[str, Field(pattern="^a+$", description="Only a")], ["aa", "b"]),
    (Annotated[str, Predicate(str.islower)], ["a", "A"]),
    (Annotated[str, AfterValidator(refuse)], ["a"]),
    (Annotated[list[int], MinLen(2)], [["1", "2"], ["1"]]),
    (Annotated[list[Annotated[int, Ge(3)]], "Some"], [["3"], ["3", "1"]]),
    (PositiveInt, ["1", "0"]),
    (SecretStr, ["a"]),
    (HttpUrl, ["http://example.org/", "x"]),
]

#: Annotation, and JSON values of which some fit and some do not.
VALUES = [
    (str, ["a", "", "1", "null", 1, 1.5, True, None, [], {}]),
    (int, [1, -1, 1.0, 1.5, "1", " 1", "x", "", True, None, 10**30, 1e30, [1], {}]),
    (float, [1, 1.5, "1.5", "nan", "x", True, None, 10**30, []]),
    (bool, [True, False, 1, 0, 2, 1.0, "yes", "t", "x", None, []]),
    (Path, ["/a", 1, None]),
    (date, ["2024-02-29", "2024-02-30", 0, 1, None]),
    (datetime, ["2024-02-29T10:00:00", "2024-02-29", "x", None]),
    (timedelta, ["PT1H", 3600, None]),
    (Decimal, ["1.5", 1.5, "x", None]),
    (UUID, ["12345678123456781234567812345678", "x", 1]),
    (Tone, ["warm", "hot", 1, None]),
    (Level, [1, 3, "x", None]),
    (Literal["a", "b"], ["a", "c", 1, None]),
    (Literal[1, 2], [1, 3, "x"]),
    (Number, [1, "x"]),
    (Union[int, str], [1, "1", "x", None]),
    (list[int], [[1, 2], [], ["1"], [1, "x"], 1, "1", None, {}]),
    (list[Tone], [["warm"], ["hot"]]),
    (list[list[int]], [[[1], []], [["x"]]]),
    (set[int], [[1, 1], ["x"]]),
    (tuple[int, str], [[1, "a"], [1]]),
    (dict, [{"a": 1}, {}, [1], "x", None]),
    (dict[str, int], [{"a": 1}, {"a": "1"}, {"a": "x"}, [1], None]),
    (dict[int, str], [{"1": "x"}, {"a": "x"}]),
    (dict[str, list[int]], [{"a": [1]}, {"a": ["x"]}]),
    (Person, [{"name": "A"}, {"name": "A", "home": {"town": "B"}, "places": [{"town": "C"}]}]),
    (Person, [{}, {"name": 1}, {"name": "A", "age": "1"}, {"name": "A", "home": {}}, None, 1]),
    (Person, [{"name": "A", "unknown": 1}, {"name": "A", "places": [{}, 1]}]),
    (Node, [{"value": 1, "nodes": [{"value": 2}]}, {"value": 1, "nodes": [{}]}]),
    (Movie, [{"title": "M"}, {"title": "M", "year": 1}, {}, {"title": "M", "year": "x"}, None]),
    (Pair, [[1], [1, "a"], [], {"left": 1}]),
    (Limited, [{"size": 1}, {"size": 0}]),
    (LimitedByField, [{"size": 1}, {"size": 0}]),
    (LimitedDict, [{"size": 1}, {"size": 0}]),
    (Model, [{"size": 1}, {"size": "1"}, {}, {"size": "x", "name": ""}, None, 1]),
    (list[Model], [[{"size": 1}], [{}], {}]),
    (Union[Model, int], [{"size": 1}, 3, "x"]),
    (Holder, [{"model": {"size": 1}}, {"model": {}}]),
    (Checked, [{"size": 1}, {"size": 0}]),
    (Annotated[int, Field(ge=1)], [1, 0, "x"]),
    (Annotated[int, Ge(1), Lt(3)], [1, 0, 3, None]),
    (Annotated[str, MinLen(2)], ["ab", "a", 1]),
    (Annotated[list[int], MinLen(2)], [[1, 2], [1]]),
    (dict[str, Annotated[int, Ge(1)]], [{"a": 1}, {"a": 0}]),
    (Any, [1, "x", "1", None, {"a": [1]}]),
]

#: Annotation of a parameter whose default is `None`; texts and values.
OPTIONAL = [
    (Optional[int], ["1", "x", "", "null", None], [1, "x", "null", None]),
    (Optional[str], ["a", "", "null", None], ["a", 1, None]),
    (Optional[bool], ["1", "x", "null", None], [True, "x", None]),
    (Optional[date], ["2024-01-01", "x", None], ["2024-01-01", None]),
    (Optional[Path], ["a", None], ["a", None]),
    (Optional[Tone], ["warm", "hot", None], ["warm", "hot", None]),
    (Optional[list[int]], [["1"], ["x"], None], [[1], None]),
    (Optional[Annotated[int, Ge(1)]], ["1", "0", None], [1, 0, None]),
    (Optional[Annotated[int, Field(ge=1)]], ["1", "0", None], [1, 0, None]),
    (Annotated[Optional[int], Ge(1)], ["1", "0", None], [1, 0, None]),
    (Annotated[Optional[int], Field(ge=1)], ["1", "0", None], [1, 0, None]),
    (Optional[Person], [], [{"name": "A"}, {}, None]),
]


def cases():
    for annotations, method in ((TEXTS, "GET"), (VALUES, "POST")):
        for annotation, values in annotations:
            yield pytest.param(annotation, REQUIRED, method, values, id=f"{method}-{annotation}")
    for annotation, texts, values in OPTIONAL:
        for method, each in (("GET", texts), ("POST", values)):
            if each:
                yield pytest.param(annotation, None, method, each, id=f"{method}-{annotation}-None")


@pytest.mark.parametrize(("annotation", "default", "method", "values"), list(cases()))
def test_the_answer_is_fastapis(outcome, annotation, default, method, values):
    function = of(annotation, default)
    mine, real = ours(function, method), fastapi(function, method)
    for value in values:
        answers = [
            without_message_of_exception(outcome(app, method, value)) for app in (mine, real)
        ]
        assert answers[0] == answers[1], value


def test_both_kinds_of_answers_are_compared(outcome):
    # The comparison above would hold too, if both answered 404 to everything.
    assert outcome(ours(of(int), "GET"), "GET", "1") == (200, "1")
    assert outcome(fastapi(of(int), "GET"), "GET", "1") == (200, "1")
    status, [problem] = outcome(ours(of(int), "POST"), "POST", "x")
    assert (status, problem["type"], problem["loc"]) == (422, "int_parsing", ["body", "v"])
    status, [problem] = outcome(ours(of(int), "GET"), "GET", None)
    assert (status, problem["type"], problem["loc"]) == (422, "missing", ["query", "v"])


def test_all_problems_are_reported_at_once(ask):
    def function(a: int, b: list[int], c: Tone = Tone.WARM): ...

    app = ours(function, "GET")
    problems = ask(app, "GET", "/p/it?b=1&b=x&c=hot").json()["detail"]
    assert [(problem["type"], problem["loc"]) for problem in problems] == [
        ("missing", ["query", "a"]),
        ("int_parsing", ["query", "b", 1]),
        ("enum", ["query", "c"]),
    ]


# What differs, and why.


def test_a_path_begins_at_home(outcome, monkeypatch):
    # `~` in quotes is expanded; FastAPI leaves it to each handler.
    monkeypatch.setenv("HOME", "/home/ada")
    for method, value in (("GET", "~/a"), ("POST", "~/a")):
        assert outcome(ours(of(Path), method), method, value) == (200, "PosixPath('/home/ada/a')")
        assert outcome(fastapi(of(Path), method), method, value) == (200, "PosixPath('~/a')")


@pytest.mark.parametrize("annotation", [Level, Literal[1, 2]])
def test_choices_that_are_numbers_can_be_typed(outcome, annotation):
    # On a command line all is text; FastAPI has no way to give such a value in a query.
    status, got = outcome(ours(of(annotation), "GET"), "GET", "2")
    assert (status, "2" in got) == (200, True)
    plain = Literal[1, 2]
    assert outcome(fastapi(of(plain), "GET"), "GET", "2")[0] == 422


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("1.5", 1.5), ("true", True), ("null", None), ('{"a": [1]}', {"a": [1]})],
)
def test_without_an_annotation_a_text_is_json_where_it_can_be(outcome, text, value):
    # As functions without annotations are called from a command line; to FastAPI all is text.
    for annotation in (Any, object):
        assert outcome(ours(of(annotation), "GET"), "GET", text) == (200, repr(value))
    assert outcome(fastapi(of(Any), "GET"), "GET", text) == (200, repr(text))


@pytest.mark.parametrize("text", ["x", "007", "1.5.2", "{", "", "nul", "'1'"])
def test_what_is_no_json_is_a_text(outcome, text):
    assert outcome(ours(of(Any), "GET"), "GET", text) == (200, repr(text))


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Person, '{"name": "A"}', Person("A")),
        (Movie, '{"title": "M"}', {"title": "M"}),
        (Model, '{"size": 1}', Model(size=1)),
        (list[dict[str, int]], ['{"a": 1}', "{}"], [{"a": 1}, {}]),
        (list[list[int]], ["[1]", "[]"], [[1], []]),
    ],
)
def test_structure_is_json_in_a_query(outcome, annotation, text, value):
    # FastAPI takes such parameters only in a body, ours may be asked with GET.
    assert outcome(ours(of(annotation), "GET"), "GET", text) == (200, repr(value))


@pytest.mark.parametrize(
    ("text", "kind", "where"),
    [
        ("{", "json_invalid", []),
        ("x", "dict_type", []),
        ("[1]", "dict_type", []),
        ('{"a": "x"}', "int_parsing", ["a"]),
    ],
)
def test_problems_of_json_in_a_query_are_reported_as_in_a_body(outcome, text, kind, where):
    status, [problem] = outcome(ours(of(dict[str, int]), "GET"), "GET", text)
    assert (status, problem["type"], problem["loc"]) == (422, kind, ["query", "v", *where])


def test_bytes_are_base64(outcome):
    # As they are in results, whatever they hold; FastAPI's are the text's own.
    assert outcome(ours(of(bytes), "GET"), "GET", "Yf8=") == (200, repr(b"a\xff"))
    status, [problem] = outcome(ours(of(bytes), "GET"), "GET", "abc")
    assert (status, problem["type"]) == (422, "value_error")
    assert outcome(fastapi(of(bytes), "GET"), "GET", "abc") == (200, repr(b"abc"))


def test_a_time_zone_is_pythons_own(outcome):
    text = "2024-02-29T10:00:00+02:00"
    status, got = outcome(ours(of(datetime), "GET"), "GET", text)
    assert (status, got) == (200, repr(datetime.fromisoformat(text)))


def test_a_duration_may_be_seconds(outcome):
    assert outcome(ours(of(timedelta), "GET"), "GET", "90") == (200, repr(timedelta(seconds=90)))
    assert outcome(fastapi(of(timedelta), "GET"), "GET", "90")[0] == 422


def test_constraints_of_msgspec_alone_are_checked_by_it(outcome):
    # Pydantic ignores these constraints, so it does not decide.
    class Size(msgspec.Struct):
        size: Annotated[int, msgspec.Meta(ge=1)]

    app = ours(of(Annotated[int, msgspec.Meta(ge=1)]), "GET")
    assert outcome(app, "GET", "1") == (200, "1")
    for bad in ("0", "x"):
        status, [problem] = outcome(app, "GET", bad)
        assert (status, problem["type"], problem["input"]) == (422, "value_error", bad)
    app = ours(of(Size), "POST")
    assert outcome(app, "POST", {"size": 1}) == (200, "Size(size=1)")
    status, [problem] = outcome(app, "POST", {"size": 0})
    assert (status, problem["msg"]) == (422, "Expected `int` >= 1 - at `$.size`")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="pydantic takes it from 3.12 on")
def test_a_typed_dict_of_an_old_typing_module_needs_no_pydantic(outcome):
    # FastAPI has no route for it at all.
    from typing import TypedDict as OldTypedDict

    Old = OldTypedDict("Old", {"a": int})
    app = ours(of(Old), "POST")
    assert outcome(app, "POST", {"a": 1}) == (200, "{'a': 1}")
    status, [problem] = outcome(app, "POST", {})
    assert (status, problem["type"], problem["loc"]) == (422, "value_error", ["body", "v"])


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a statement of 3.12")
def test_a_type_statement_is_what_it_stands_for(outcome):
    names: dict[str, Any] = {}
    exec("type Count = int\ntype Counts = list[int]", names)
    count = of(names["Count"])
    for text in ("1", "x"):
        answers = [outcome(app(count, "GET"), "GET", text) for app in (ours, fastapi)]
        assert answers[0] == answers[1]


@pytest.mark.parametrize("annotation", [complex, type(sys), Union[list[int], set[int]]])
def test_a_type_without_a_conversion_makes_no_command(annotation):
    with pytest.raises(Unusable, match=r"^parameter v: .*not supported$"):
        Command(Found("it", "GET", of(annotation)))


def test_pydantic_is_imported_only_when_it_is_needed(tmp_path):
    code = """
import sys
from dataclasses import dataclass
from skills_host.functions.value import Invalid, Type

@dataclass
class Person:
    name: str
    age: int = 0

for annotation, text in [
    (int, "1"), (float, "1.5"), (bool, "YES"), (str, "null"), (str | None, "null"),
    (list[int], ["1", "2"]), (Person, '{"name": "A"}'), (dict[str, int], '{"a": 1}'),
]:
    Type(annotation).schema()
    Type(annotation).from_text(text)
print("pydantic" in sys.modules)
try:
    Type(Person).from_json({})
except Invalid as error:
    print(error.problems[0]["type"], "pydantic" in sys.modules)
"""
    source = str(Path(__file__).parents[2] / "python")
    env = {"PYTHONPATH": source, "HOME": str(tmp_path)}
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("False\nmissing True\n", "")
