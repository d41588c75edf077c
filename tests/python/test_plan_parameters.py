"""Parameters of a plan: what the library binds by itself, and what is left to Python."""

import json
import math
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Query
from pydantic import AliasChoices, AliasPath

from skills_host.plan.parameter import Parameter
from skills_host.plan.reason import Unplanned


def parameter(annotation: Any, *default: Any) -> Parameter:
    """The plan of a handler's only parameter, in the query."""

    def handler(v: Any) -> None:
        """Does nothing."""

    handler.__annotations__ = {"v": annotation}
    handler.__defaults__ = default or None
    router = APIRouter()
    router.add_api_route("/", handler)
    (field,) = router.routes[0].dependant.query_params
    return Parameter(field, "query", "v")


@pytest.mark.parametrize("bound", [math.inf, -math.inf])
@pytest.mark.parametrize("option", ["gt", "ge", "lt", "le"])
def test_an_infinite_bound_is_left_to_python(option: str, bound: float) -> None:
    spec = parameter(Annotated[float, Query(**{option: bound})]).spec
    assert spec["kind"] == "text"
    json.dumps(spec, allow_nan=False)


def test_a_finite_bound_is_the_librarys() -> None:
    spec = parameter(Annotated[float, Query(gt=0, le=10.5)]).spec
    assert spec["kind"] == {"float": {"gt": 0, "le": 10.5}}


@pytest.mark.parametrize(
    "alias", ["other", AliasChoices("first", "second"), AliasChoices(AliasPath("first", 0))]
)
def test_a_validation_alias_is_left_to_fastapi(alias: Any) -> None:
    with pytest.raises(Unplanned, match="parameter v has a validation alias"):
        parameter(Annotated[int, Query(validation_alias=alias)], 0)


def test_an_alias_is_the_librarys() -> None:
    assert parameter(Annotated[int, Query(alias="the-alias")]).spec["name"] == "the-alias"


def test_a_default_of_another_type_is_kept() -> None:
    assert parameter(float, 1).constant == 1
