"""Metric math, as far as it is arithmetic: `100 * m2 / m1`.

Functions, searches and queries are refused by their names.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Series = dict[int, float]
"""Values by the second at which their period begins."""

Operand = float | Series

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>\S))"
)


class ExpressionError(Exception):
    """The expression cannot be computed; the message says why."""


def compute(expression: str, lookup: Callable[[str], Series]) -> Series:
    """The series that the expression is of; `lookup` gives those that it names.

    Raises:
        ExpressionError: it is none, or it needs what is not supported.
    """
    try:
        found = _Parser(expression, lookup).whole()
    except RecursionError:
        raise ExpressionError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ExpressionError("it must be of a metric at least: its value is one number")
    return found


@dataclass(slots=True)
class _Parser:
    """Recursive descent: a method for each level of precedence."""

    text: str
    lookup: Callable[[str], Series]
    at: int = 0

    def whole(self) -> Operand:
        found = self._sum()
        if self._peek():
            raise ExpressionError(f"unexpected {self._peek()!r}")
        return found

    def _sum(self) -> Operand:
        found = self._product()
        while (sign := self._peek()) in ("+", "-"):
            self._take()
            found = _combined(found, self._product(), _OPERATORS[sign])
        return found

    def _product(self) -> Operand:
        found = self._signed()
        while (sign := self._peek()) in ("*", "/"):
            self._take()
            found = _combined(found, self._signed(), _OPERATORS[sign])
        return found

    def _signed(self) -> Operand:
        if self._peek() == "-":
            self._take()
            return _combined(0.0, self._signed(), _OPERATORS["-"])
        return self._power()

    def _power(self) -> Operand:
        found = self._atom()
        if self._peek() == "^":
            self._take()
            return _combined(found, self._signed(), _OPERATORS["^"])
        return found

    def _atom(self) -> Operand:
        word = self._take()
        if word == "(":
            found = self._sum()
            if self._take() != ")":
                raise ExpressionError("a ) is missing")
            return found
        if word[:1].isdigit() or (word[:1] == "." and len(word) > 1):
            return float(word)
        if not word or not (word[0].isalpha() or word[0] == "_"):
            raise ExpressionError(f"unexpected {word!r}" if word else "it ends too early")
        if word[0].isupper():
            raise ExpressionError(
                f"{word} is not supported by Flowmaker: metric math is arithmetic (+ - * / ^) here"
            )
        return self.lookup(word)

    def _peek(self) -> str:
        found = _TOKEN.match(self.text, self.at)
        return found[found.lastgroup or 0] if found else ""

    def _take(self) -> str:
        found = _TOKEN.match(self.text, self.at)
        if not found:
            return ""
        self.at = found.end()
        return found[found.lastgroup or 0]


_OPERATORS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: float(a**b),
}


def _combined(
    first: Operand, second: Operand, operator: Callable[[float, float], float]
) -> Operand:
    """Number by number; where one of two series has no value, or there is none, there is none."""
    times = [one.keys() for one in (first, second) if isinstance(one, dict)]
    if not times:
        found = _computed(_value(first), _value(second), operator)
        if found is None:
            raise ExpressionError("it divides by zero")
        return found
    series: Series = {}
    for at in sorted(set(times[0]).intersection(*times)):
        value = _computed(_value(first, at), _value(second, at), operator)
        if value is not None:
            series[at] = value
    return series


def _value(operand: Operand, at: int = 0) -> float:
    return operand[at] if isinstance(operand, dict) else operand


def _computed(
    first: float, second: float, operator: Callable[[float, float], float]
) -> float | None:
    try:
        found = operator(first, second)
        return found if math.isfinite(found) else None
    except (ZeroDivisionError, OverflowError, TypeError):  # a root of a negative number is complex
        return None
