"""The conditions that the SDK compiles are understood; what is not is refused."""

from typing import Any

import pytest

from flowmaker.errors import FailedPrecondition, InvalidInput
from flowmaker.pipelines.ir.conditions import condition, selected

VALUES: dict[str, Any] = {"s": "it's", "n": 3, "f": 0.5, "t": True, "one": 1, "text": "3"}


def v(name: str) -> str:
    return f"inputs.parameter_values['{name}']"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (f"{v('s')} == 'it\\'s'", True),
        (f'{v("s")} == "it\'s"', True),
        (f"{v('s')} != 'other'", True),
        (f"int({v('n')}) > 2", True),
        (f"int({v('text')}) == 3", True),
        (f"{v('f')} < 1.5", True),
        (f"{v('f')} >= 1e0", False),
        (f"{v('n')} <= -1", False),
        (f"{v('t')} == true", True),
        (f"{v('one')} == true", False),
        (f"{v('text')} == 3", False),
        (f"!({v('t')} == true)", False),
        (f"!({v('s')} == 'a') && {v('t')} == true", True),
        (f"{v('s')} == 'a' && {v('t')} == true || {v('n')} == 3", True),
        (f"{v('s')} == 'a' && ({v('t')} == true || {v('n')} == 3)", False),
    ],
)
def test_what_holds(text: str, holds: bool):
    assert condition(text)(VALUES) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 +",
        "1 == ",
        "(1 == 1",
        "size('a') == 1",
        "1 == 1 1",
        "has(x)",
        "'unclosed",
        "1 ? 2 : 3",
    ],
)
def test_what_is_not_understood_is_refused(text: str):
    with pytest.raises(InvalidInput, match="is not understood"):
        condition(text)


@pytest.mark.parametrize("text", [f"{v('s')} > 3", f"{v('absent')} == 1"])
def test_what_cannot_be_decided_is_an_error(text: str):
    with pytest.raises(FailedPrecondition):
        condition(text)(VALUES)


def test_parts_of_values():
    value = {"a": [{"b c": 7}]}
    assert selected('parseJson(string_value)["a"][0]["b c"]', value) == 7
    with pytest.raises(FailedPrecondition, match="no 'z'"):
        selected('parseJson(string_value)["z"]', value)
    with pytest.raises(InvalidInput, match="not understood"):
        selected("string_value.upper()", value)
