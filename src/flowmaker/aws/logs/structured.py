"""Filter patterns for events that are JSON, and for those whose fields have spaces between them."""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, cast

from flowmaker.aws.logs.conditions import Conditions, Test, Token, Values, invalid, tokens

_PATH = re.compile(r"\.?\[(?:(\d+)|(\*)|'([^']*)'|\"([^\"]*)\")\]|\.(?:(\*)|([\w@-]+))")
#: A field is a word, or what is between brackets or quotes.
_FIELD = re.compile(r'\[([^\]]*)\](?=\s|$)|"([^"]*)"(?=\s|$)|(\S+)')
_ANYTHING = "..."


def of_json(pattern: str) -> Callable[[str], bool]:
    """A test of a message by a pattern `{ $.a.b = "x" }`.

    Raises:
        AwsError: the pattern is not well-formed.
    """
    test = Conditions(tokens(_inside(pattern, "}")), _property).test()

    def matches(message: str) -> bool:
        try:
            event = json.loads(message)
        except (ValueError, RecursionError):
            return False
        return test(event)

    return matches


def of_fields(pattern: str) -> Callable[[str], bool]:
    """A test of a message by a pattern `[ip, user, status = 4*, ...]`.

    Raises:
        AwsError: the pattern is not well-formed.
    """
    tests = [_field(part) for part in _parted(tokens(_inside(pattern, "]")))]
    if tests.count(None) > 1:
        raise invalid("more than one ...")
    gap = tests.index(None) if None in tests else None
    before = [test for test in tests[:gap] if test]
    after = [] if gap is None else [test for test in tests[gap:] if test]

    def matches(message: str) -> bool:
        found = [one[1] or one[2] or one[3] or "" for one in _FIELD.finditer(message)]
        least = len(before) + len(after)
        if len(found) < least or (gap is None and len(found) > least):
            return False
        last = found[len(found) - len(after) :]
        pairs = [*zip(before, found, strict=False), *zip(after, last, strict=True)]
        return all(test(value) for test, value in pairs)

    return matches


def _inside(pattern: str, end: str) -> str:
    inside = pattern.strip()
    if len(inside) < 2 or inside[-1] != end or not inside[1:-1].strip():  # noqa: PLR2004
        raise invalid(pattern)
    return inside[1:-1]


def _property(token: Token) -> Values:
    """What a selector as `$.a[0].b` or `$.a[*].*` stands for in an event."""
    kind, text = token
    if kind != "path":
        raise invalid(f"{text}: a property begins with $.")
    steps = [_step(found) for found in _PATH.finditer(text[1:])]

    def values(event: object) -> Sequence[Any]:
        found: list[Any] = [event]
        for step in steps:
            found = [one for value in found for one in _under(value, step)]
        return found

    return values


def _step(found: re.Match[str]) -> str | int | None:
    """A name, a place in a list, or None for all."""
    place, all_, name, quoted, any_, plain = found.groups()
    if place:
        return int(place)
    return None if all_ or any_ else next(one for one in (name, quoted, plain) if one is not None)


def _under(value: object, step: str | int | None) -> Sequence[Any]:
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if step is None:
            return list(entries.values())
        return [entries[step]] if isinstance(step, str) and step in entries else []
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if step is None:
            return items
        return items[step : step + 1] if isinstance(step, int) else []
    return []


def _parted(found: Sequence[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in found:
        if token == ("sign", ","):
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _field(part: Sequence[Token]) -> Test | None:
    """A test of one field; None for any number of them."""
    if list(part) == [("word", _ANYTHING)]:
        return None
    if len(part) == 1 and part[0][0] == "word":
        return lambda _: True
    names: set[str] = set()

    def subject(token: Token) -> Values:
        kind, text = token
        names.add(text)
        if kind != "word" or len(names) > 1:
            raise invalid(f"{text}: a field is compared by its own name")
        return lambda value: [value]

    return Conditions(part, subject).test()
