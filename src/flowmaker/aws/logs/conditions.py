"""Conditions of filter patterns: `SUBJECT = "x" && (SUBJECT > 3 || SUBJECT NOT EXISTS)`."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs.regular import search

Test = Callable[[Any], bool]
#: The values that a subject stands for in an event: none when it is not there.
Values = Callable[[Any], Sequence[Any]]

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<sign>\(|\)|&&|\|\||!=|<=|>=|=|<|>|,)
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<regular>%(?:[^%\\]|\\.)+%)
      | (?P<path>\$(?:\.?\[(?:\d{1,9}|\*|'[^']*'|"[^"]*")\]|\.(?:[\w@-]+|\*))+)
      | (?P<word>[^\s"%()=!<>&|,\[\]{}$]+)
    )\s*""",
    re.VERBOSE,
)
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"[+-]?(\d{1,300}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_CONSTANTS: Mapping[str, object] = {"NULL": None, "TRUE": True, "FALSE": False}
#: Brackets in brackets, and regular expressions of a pattern, at most.
DEEPEST = 20
MOST_REGULAR = 2

Token = tuple[str, str]


def tokens(text: str) -> list[Token]:
    """The kinds and texts of what a pattern consists of.

    Raises:
        AwsError: there is something else in it.
    """
    found: list[Token] = []
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise invalid(text[place:])
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    if sum(kind == "regular" for kind, _ in found) > MOST_REGULAR:
        raise invalid(f"more than {MOST_REGULAR} regular expressions")
    return found


class Conditions:
    """The conditions that a row of tokens says; `subject` tells what a token stands for."""

    def __init__(self, given: Sequence[Token], subject: Callable[[Token], Values]) -> None:
        self._left = list(given)
        self._subject = subject
        self._depth = 0

    def test(self) -> Test:
        """All of them.

        Raises:
            AwsError: they are not well-formed.
        """
        test = self._either()
        if self._left:
            raise invalid(self._left[0][1])
        return test

    def _either(self) -> Test:
        tests = [self._all()]
        while self._next_is("||"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda event: any(one(event) for one in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._next_is("&&"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda event: all(one(event) for one in tests)

    def _one(self) -> Test:
        if self._next_is("("):
            self._depth += 1
            if self._depth > DEEPEST:
                raise invalid("too many brackets in brackets")
            test = self._either()
            if not self._next_is(")"):
                raise invalid("a bracket is not closed")
            self._depth -= 1
            return test
        return self._comparison(self._subject(self._take()))

    def _comparison(self, values: Values) -> Test:
        kind, sign = self._take()
        if kind == "word" and sign.upper() == "IS":
            constant = self._take()[1].upper()
            if constant not in _CONSTANTS:
                raise invalid(f"IS {constant}")
            wanted = _CONSTANTS[constant]
            return lambda event: any(value is wanted for value in values(event))
        if kind == "word" and sign.upper() == "NOT":
            if self._take()[1].upper() != "EXISTS":
                raise invalid("NOT is followed by EXISTS")
            return lambda event: not values(event)
        compared = _compared(sign, self._take())
        return lambda event: any(compared(value) for value in values(event))

    def _next_is(self, sign: str) -> bool:
        if self._left and self._left[0] == ("sign", sign):
            del self._left[0]
            return True
        return False

    def _take(self) -> Token:
        if not self._left:
            raise invalid("it ends too early")
        return self._left.pop(0)


def invalid(what: str) -> AwsError:
    """The pattern is none."""
    return AwsError("InvalidParameterException", f"Invalid filter pattern: {what}")


def _compared(sign: str, wanted: Token) -> Test:
    kind, text = wanted
    if sign in _ORDERS:
        number = _number(text) if kind == "word" else None
        if number is None:
            raise invalid(f"{sign} {text}: not a number")
        return _ordered(_ORDERS[sign], number)
    if sign not in {"=", "!="} or kind not in {"word", "quoted", "regular"}:
        raise invalid(f"{sign} {text}")
    equal = _equal(kind, text)
    if sign == "=":
        return lambda value: _is_scalar(value) and equal(value)
    return lambda value: _is_scalar(value) and not equal(value)


def _ordered(order: Callable[[float, float], bool], wanted: float) -> Test:
    def test(value: object) -> bool:
        number = _number(value)
        return number is not None and order(number, wanted)

    return test


def _equal(kind: str, text: str) -> Test:
    if kind == "regular":
        found = search(text[1:-1])
        return lambda value: found(_text(value))
    if kind == "word" and (number := _number(text)) is not None:
        return lambda value: _number(value) == number
    if kind == "quoted":
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    parts = text.split("*")
    return lambda value: _is_like(_text(value), parts)


def _is_like(text: str, parts: Sequence[str]) -> bool:
    """Whether the text is the parts, with anything between them."""
    if len(parts) == 1:
        return text == parts[0]
    first, *between, last = parts
    if len(text) < len(first) + len(last) or not text.startswith(first):
        return False
    place, end = len(first), len(text) - len(last)
    for part in between:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return text.endswith(last)


def _number(value: object) -> float | None:
    """A number, or a text that is one."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)
