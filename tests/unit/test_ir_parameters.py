"""Values of parameters are of their declared type, or refused."""

from typing import Any

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.parameters import check_parameters


def spec(**definitions: dict[str, Any]) -> dict[str, Any]:
    return {"root": {"inputDefinitions": {"parameters": definitions}}}


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        ("NUMBER_INTEGER", 3.0, 3),
        ("NUMBER_DOUBLE", 3, 3.0),
        ("STRING", "3", "3"),
        ("BOOLEAN", True, True),
        ("LIST", [1.0, {"a": 2.5}], [1, {"a": 2.5}]),
        ("STRUCT", {"a": [1.0]}, {"a": [1]}),
    ],
)
def test_a_value_arrives_as_its_type_is(type_: str, given: Any, value: Any):
    found = check_parameters(spec(x={"parameterType": type_}), {"x": given})["x"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        ("NUMBER_INTEGER", 3.5),
        ("NUMBER_INTEGER", True),
        ("NUMBER_INTEGER", "3"),
        ("NUMBER_DOUBLE", "3"),
        ("STRING", 3),
        ("BOOLEAN", 1),
        ("LIST", {}),
        ("STRUCT", []),
        ("STRING", None),
    ],
)
def test_a_value_of_another_type_is_refused(type_: str, given: Any):
    with pytest.raises(InvalidInput, match=f"Parameter 'x' is of type {type_}"):
        check_parameters(spec(x={"parameterType": type_}), {"x": given})


def test_defaults_stand_for_what_is_not_given():
    definitions = spec(
        x={"parameterType": "NUMBER_INTEGER", "defaultValue": 3.0},
        y={"parameterType": "STRING", "isOptional": True},
    )
    assert check_parameters(definitions, {}) == {"x": 3}


def test_a_missing_and_an_unknown_parameter_are_named():
    definitions = spec(x={"parameterType": "STRING"})
    with pytest.raises(InvalidInput, match=r"'x'.*has no default"):
        check_parameters(definitions, {})
    with pytest.raises(InvalidInput, match="no parameter 'z'; it has: x"):
        check_parameters(definitions, {"x": "", "z": 1})


def test_only_the_literals_are_allowed():
    definitions = spec(x={"parameterType": "NUMBER_INTEGER", "literals": [1.0, 2.0]})
    assert check_parameters(definitions, {"x": 2}) == {"x": 2}
    with pytest.raises(InvalidInput, match="one of 1, 2"):
        check_parameters(definitions, {"x": 3})


@pytest.mark.parametrize(("given", "written"), [(5, '"5"'), (True, '"true"')])
def test_a_text_that_looks_like_something_else_is_told_how_to_write(given: Any, written: str):
    with pytest.raises(InvalidInput) as refused:
        check_parameters(spec(c={"parameterType": "STRING"}), {"c": given})
    assert str(refused.value).endswith(f": write {written} (kfp run create: 'c={written}')")
