"""Where each statement stands in the text of a policy, as IAM's simulator tells it. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_DECODER = json.JSONDecoder()
_WHITE = " \t\n\r"


@dataclass(frozen=True, slots=True)
class Place:
    """A brace in a text, from 1 on; the column is the one behind it, as IAM counts."""

    line: int
    column: int


def of_statements(text: str) -> list[tuple[Place, Place]]:
    """Where each statement of a policy begins and ends; the policy must be one that was parsed."""
    found: list[tuple[Place, Place]] = []
    for name, start in _members(text, _past(text, 0)):
        if name == "Statement":
            starts = _items(text, start) if text[start] == "[" else [start]
            found = [(_place(text, one), _place(text, _end(text, one) - 1)) for one in starts]
    return found


def _place(text: str, index: int) -> Place:
    begin = text.rfind("\n", 0, index) + 1
    return Place(line=text.count("\n", 0, index) + 1, column=index - begin + 2)


def _members(text: str, start: int) -> Iterator[tuple[str, int]]:
    """The names of an object, and where their values begin."""
    position = _past(text, start + 1)
    while text[position] != "}":
        name, position = _decode(text, position)
        value = _past(text, _past(text, position) + 1)  # over the colon
        yield name, value
        position = _next(text, _end(text, value))


def _items(text: str, start: int) -> Iterator[int]:
    """Where the items of a list begin."""
    position = _past(text, start + 1)
    while text[position] != "]":
        yield position
        position = _next(text, _end(text, position))


def _next(text: str, position: int) -> int:
    """The next member or item, or the bracket that ends them."""
    position = _past(text, position)
    return _past(text, position + 1) if text[position] == "," else position


def _end(text: str, start: int) -> int:
    return _decode(text, start)[1]


def _decode(text: str, start: int) -> tuple[Any, int]:
    return _DECODER.raw_decode(text, start)


def _past(text: str, position: int) -> int:
    """What follows the white space there."""
    while position < len(text) and text[position] in _WHITE:
        position += 1
    return position
