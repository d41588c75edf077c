"""Signatures, docstrings, and the OpenAPI document that is made of them."""

import functools
import inspect
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Optional

import pytest
from annotated_types import Ge, Lt
from pydantic import BaseModel, Field
from typing_extensions import Doc

from skills_host.functions.command import Command
from skills_host.functions.discover import Found
from skills_host.functions.document import document
from skills_host.functions.signature import Signature, Unusable


class Tone(Enum):
    WARM = "warm"
    COLD = "cold"


@dataclass
class Place:
    town: str


@dataclass
class Person:
    name: str
    home: Place | None = None


class Model(BaseModel):
    size: int
    place: Place


def types(function: Callable[..., Any]) -> dict[str, Any]:
    return {each.name: each.type.annotation for each in Signature(function).parameters}


def helps(function: Callable[..., Any]) -> dict[str, str]:
    return {each.name: each.help for each in Signature(function).parameters}


# Parameters.


def test_annotations_give_types():
    def function(a: int, b: Optional[list[int]], c: "str", d: Tone | None = None): ...  # noqa: UP045

    assert types(function) == {"a": int, "b": Optional[list[int]], "c": str, "d": Tone | None}  # noqa: UP045


def test_postponed_annotations_are_read_where_the_function_is():
    module = ModuleType("postponed")
    code = """
from __future__ import annotations
from enum import Enum
class Own(Enum):
    A = "a"
def function(own: Own, many: list[Own], text: str | None = None) -> dict[str, int]: ...
"""
    exec(code, vars(module))
    own = module.Own
    assert types(module.function) == {"own": own, "many": list[own], "text": str | None}
    assert Signature(module.function).result == dict[str, int]


def test_without_an_annotation_the_default_gives_the_type():
    def function(a, b=1, c=1.5, d="x", e=True, f=None, g=(), h=[]): ...  # noqa: B006

    assert types(function) == {
        "a": Any,
        "b": int,
        "c": float,
        "d": str,
        "e": bool,
        "f": Any,
        "g": Any,
        "h": Any,
    }


def test_only_what_has_no_default_is_required():
    def function(a, /, b, c=None, *, d, e: list[int] = []): ...  # noqa: B006

    required = {each.name: each.required for each in Signature(function).parameters}
    assert required == {"a": True, "b": True, "c": False, "d": True, "e": False}


def test_what_takes_any_number_of_arguments_is_left_out():
    def function(a: int, *args: int, b: int = 1, **kwargs: int): ...

    assert list(types(function)) == ["a", "b"]


def test_an_unusable_parameter_with_a_default_is_left_out(caplog):
    def function(a: int, stream: logging.Handler = logging.NullHandler()): ...  # noqa: B008

    with caplog.at_level(logging.DEBUG, "skills_host.functions"):
        assert list(types(function)) == ["a"]
    assert "left out: parameter stream: type <class 'logging.Handler'> is not supported" in (
        caplog.text
    )


def untyped(a: logging.Handler): ...


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (untyped, "parameter a: type <class 'logging.Handler'> is not supported"),
        (max, "it has no signature"),
    ],
)
def test_a_function_that_cannot_be_a_command_has_a_reason_in_one_line(function, reason):
    with pytest.raises(Unusable) as caught:
        Signature(function)
    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value)


def half_defined(a: int, b: "Nothing", c: "Nothing" = 1.5): ...  # noqa: F821


def test_annotations_that_cannot_be_evaluated_leave_the_others():
    found = types(half_defined)
    assert (found["a"], found["c"]) == (int, float)
    first, _ = Signature(half_defined).warnings
    reason = "the annotation of b cannot be evaluated: name 'Nothing' is not defined"
    assert first == f"half_defined: {reason}"


def test_classes_and_builtins_can_be_commands_of_a_manifest():
    assert list(types(Person)) == ["name", "home"]
    assert list(types(len)) == ["obj"]
    assert types(inspect.getsource) == {"object": Any}


def test_partial_functions_and_objects_can_be_commands_of_a_manifest():
    class Adder:
        def __call__(self, a: int, b: int = 1) -> int:
            return a + b

    assert types(Adder()) == {"a": int, "b": int}
    assert types(functools.partial(Adder(), b=2)) == {"a": int, "b": int}


def test_a_wrapped_function_keeps_its_signature():
    def function(a: int) -> str: ...

    @functools.wraps(function)
    def wrapper(*args, **kwargs): ...

    assert types(wrapper) == {"a": int}
    assert Signature(functools.cache(function)).result is str


# Docstrings.


def google(a: int, b: str = "x", *args: int) -> str:
    """Do a thing.

    More about it,
    on two lines.

    Args:
        a: What is done
            in detail.
        b (str): How.
        *args: The rest.

    Returns:
        A text.

    Raises:
        ValueError: Never.

    Examples:
        it --a 1
        it --a 2
    """


def numpy(a, b="x"):
    """Do a thing.

    More about it,
    on two lines.

    Parameters
    ----------
    a : int
        What is done
        in detail.
    b : str, optional
        How.

    Returns
    -------
    str
        A text.

    Examples
    --------
    it --a 1
    it --a 2
    """


def sphinx(a, b="x"):
    """Do a thing.

    More about it,
    on two lines.

    :param a: What is done
        in detail.
    :param str b: How.
    :returns: A text.
    :raises ValueError: Never.
    """


@pytest.mark.parametrize("function", [google, numpy, sphinx])
def test_a_docstring_helps_in_every_style(function):
    assert helps(function) == {"a": "What is done in detail.", "b": "How."}
    signature = Signature(function)
    assert signature.summary == "Do a thing."
    text, _, examples = signature.text.partition("\n\nExamples:\n")
    assert text == "Do a thing.\n\nMore about it,\non two lines."
    assert examples == ("" if function is sphinx else "    it --a 1\n    it --a 2")


def test_examples_of_a_session_are_kept():
    def function(a: int):
        """Do it.

        Examples
        --------
        >>> function(1)
        2
        """

    assert Signature(function).text == "Do it.\n\nExamples:\n    >>> function(1)\n    2"


def test_a_word_in_the_annotation_counts_more():
    def function(
        a: Annotated[int, "From here."],
        b: Annotated[int, Doc("From a Doc."), Ge(1)],
        c: Annotated[int, Field(description="From a field.")],
        d: int,
        e: Annotated[int, "Optional in old versions."] = None,  # noqa: RUF013
    ):
        """Do it.

        Args:
            a: From there.
            d: Only there.
        """

    assert helps(function) == {
        "a": "From here.",
        "b": "From a Doc.",
        "c": "From a field.",
        "d": "Only there.",
        "e": "Optional in old versions.",
    }


@pytest.mark.parametrize("text", ["", "   ", "\n\n", None])
def test_a_docstring_may_be_missing(text):
    def function(a: int): ...

    function.__doc__ = text
    assert (Signature(function).summary, Signature(function).text) == ("", "")
    assert Signature(function, "Of the manifest").summary == "Of the manifest"


def test_a_broken_docstring_is_a_text():
    def function(a: int):
        """Do it.

        :param a
        """

    signature = Signature(function)
    assert (signature.summary, helps(function)) == ("Do it.", {"a": ""})


def test_the_summary_of_a_manifest_counts_more():
    assert Signature(google, "Shorter").summary == "Shorter"
    assert Signature(google, "Shorter").text.startswith("Shorter\n\nMore about it")


# The document.


def described(function: Callable[..., Any], method: str = "GET") -> dict[str, Any]:
    """The document of a plugin with this one command."""
    made = document("p", "1.2.3", "About", [Command(Found("do-it", method, function))])
    # What the daemon gets.
    return json.loads(json.dumps(made))


def parameters(function: Callable[..., Any]) -> dict[str, Any]:
    operation = described(function)["paths"]["/p/do-it"]["get"]
    return {each["name"]: each for each in operation["parameters"]}


def test_a_document_has_the_plugins_name_version_and_description():
    made = described(lambda: None)
    assert made["openapi"] == "3.1.0"
    assert made["info"] == {"title": "p", "version": "1.2.3", "description": "About"}
    assert "description" not in document("p", "1", "", [])["info"]


def test_get_has_parameters_and_post_a_body():
    get = described(google)["paths"]["/p/do-it"]["get"]
    assert get["summary"] == "Do a thing."
    assert get["description"] == Signature(google).text
    assert get["operationId"] == "p_do_it_get"
    assert get["parameters"] == [
        {
            "name": "a",
            "in": "query",
            "required": True,
            "schema": {"type": "integer"},
            "description": "What is done in detail.",
        },
        {
            "name": "b",
            "in": "query",
            "required": False,
            "schema": {"type": "string", "default": "x"},
            "description": "How.",
        },
    ]
    post = described(google, "POST")["paths"]["/p/do-it"]["post"]
    assert "parameters" not in post
    assert post["requestBody"] == {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "a": {"type": "integer", "description": "What is done in detail."},
                        "b": {"type": "string", "default": "x", "description": "How."},
                    },
                    "required": ["a"],
                }
            }
        },
    }


def test_a_body_may_be_optional_or_not_there():
    def optional(a: int = 1): ...

    def nothing(): ...

    body = described(optional, "POST")["paths"]["/p/do-it"]["post"]["requestBody"]
    assert body["required"] is False
    assert "required" not in body["content"]["application/json"]["schema"]
    assert "requestBody" not in described(nothing, "POST")["paths"]["/p/do-it"]["post"]


def test_a_command_without_a_docstring_is_called_by_its_name():
    operation = described(lambda: None)["paths"]["/p/do-it"]["get"]
    assert operation["summary"] == "Do it"
    assert "description" not in operation


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (Path, {"type": "string", "format": "path"}),
        (date, {"type": "string", "format": "date"}),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Annotated[int, Ge(1), Lt(5)], {"type": "integer", "minimum": 1, "exclusiveMaximum": 5}),
        (
            Annotated[int | None, Ge(1)],
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
        ),
        (
            list[Annotated[int, Ge(1)]],
            {"type": "array", "items": {"type": "integer", "minimum": 1}},
        ),
        (Annotated[int, Field(ge=1)], {"type": "integer", "minimum": 1}),
        (Any, {}),
    ],
)
def test_a_schema_describes_the_values_of_a_type(annotation, schema):
    def function(a): ...

    function.__annotations__ = {"a": annotation}
    made = parameters(function)["a"]["schema"]
    # In any order.
    if "anyOf" in made:
        made["anyOf"].sort(key=str)
    assert made == schema


def references(value: Any) -> set[str]:
    """All that a part of a document refers to."""
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_all_that_is_referred_to_is_there(method):
    def function(person: Person, tone: Tone, model: Model | None = None) -> list[Person]: ...

    made = described(function, method)
    prefix = "#/components/schemas/"
    wanted = {reference.removeprefix(prefix) for reference in references(made)}
    assert wanted == {
        "HTTPValidationError",
        "ValidationError",
        "Person",
        "Place",
        "Tone",
        "Model",
    }
    schemas = made["components"]["schemas"]
    assert wanted == schemas.keys()
    assert schemas["Tone"]["enum"] == ["warm", "cold"]
    assert schemas["Person"]["required"] == ["name"]


def test_defaults_are_shown_as_json():
    def function(
        a: Tone = Tone.WARM,
        b: Path = Path("x"),
        c: date = date(2024, 1, 1),
        d: list[int] = [1],  # noqa: B006
        e: int | None = None,
        f: float = float("nan"),
        g: Place = Place("x"),  # noqa: B008
        h=object(),  # noqa: B008
    ): ...

    defaults = {name: each["schema"] for name, each in parameters(function).items()}
    assert {name: schema.get("default", "none") for name, schema in defaults.items()} == {
        "a": "warm",
        "b": "x",
        "c": "2024-01-01",
        "d": [1],
        "e": None,
        "f": None,
        "g": {"town": "x"},
        # Nothing that a client could send.
        "h": "none",
    }


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (None, {"type": "null"}),
        (dict, {"type": "object"}),
        (logging.Handler, {}),
    ],
)
def test_the_result_is_described_where_it_can_be(annotation, schema):
    def function(): ...

    function.__annotations__ = {"return": annotation}
    response = described(function)["paths"]["/p/do-it"]["get"]["responses"]["200"]
    assert response["content"] == {"application/json": {"schema": schema}}
