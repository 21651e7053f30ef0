"""Conditions: the part of CEL that the SDK compiles `dsl.If` to, and its selectors.

inputs.parameter_values['x'] · int(…) · strings, numbers, true, false
== != < <= > >= · && || · !( ) and brackets
"""

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.errors import FailedPrecondition, InvalidInput

_TOKEN = re.compile(
    r"\s*(?:(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[<>!()\[\]]))"
)
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SELECTOR = re.compile(
    r"parseJson\(string_value\)(?P<keys>(?:\[(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\d+)\])*)"
)
_KEY = re.compile(r"\[(?:\"(?P<double>.*?)\"|'(?P<single>.*?)'|(?P<index>\d+))\]")

#: What an expression comes to, given the values of its parameters.
Evaluate = Callable[[Mapping[str, Any]], Any]


def condition(text: str) -> Evaluate:
    """What `text` says, to be asked with the values of a task's input parameters.

    Raises:
        InvalidInput: it is outside of what is understood; the message says where.
    """
    return _Parser(text, _tokens(text)).whole()


def selected(expression: str, value: Any) -> Any:  # noqa: ANN401
    """The part of a JSON value that a `parameterExpressionSelector` names.

    Raises:
        FailedPrecondition: the value has no such part.
    """
    keys = selector_keys(expression)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise FailedPrecondition(f"{expression} is asked of {value[:80]!r}, no JSON") from None
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            raise FailedPrecondition(f"The value has no {key!r}, which {expression} asks") from None
    return value


def selector_keys(expression: str) -> list[str | int]:
    """The keys of `parseJson(string_value)["a"][0]`.

    Raises:
        InvalidInput: it is another expression.
    """
    match = _SELECTOR.fullmatch(expression.strip())
    if match is None:
        raise InvalidInput(f"the selector {expression!r} is not understood")
    return [
        int(key["index"]) if key["index"] else key["double"] or key["single"] or ""
        for key in _KEY.finditer(match["keys"])
    ]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            raise InvalidInput(f"the condition {text!r} is not understood at {text[position:]!r}")
        tokens.append(_Token(match.lastgroup, match[match.lastgroup], position))
        position = match.end()
    return tokens


class _Parser:
    """One method for each level of precedence, the weakest first."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self._text = text
        self._tokens = tokens

    def whole(self) -> Evaluate:
        found = self._either()
        if self._tokens:
            raise self._lost()
        return found

    def _either(self) -> Evaluate:
        left = self._both()
        while self._takes("||"):
            left = _either(left, self._both())
        return left

    def _both(self) -> Evaluate:
        left = self._comparison()
        while self._takes("&&"):
            left = _both(left, self._comparison())
        return left

    def _comparison(self) -> Evaluate:
        left = self._term()
        sign = self._next_text()
        if sign in _COMPARE:
            self._tokens.pop(0)
            return _compared(sign, left, self._term())
        return left

    def _term(self) -> Evaluate:
        if self._takes("!"):
            inner = self._term()
            return lambda values: not inner(values)
        if self._takes("("):
            inner = self._either()
            self._expect(")")
            return inner
        if not self._tokens:
            raise self._lost()
        token = self._tokens.pop(0)
        if token.kind == "word":
            return self._word(token)
        if token.kind == "sign":
            raise self._lost()
        value = _unquoted(token.text) if token.kind == "string" else _number(token.text)
        return lambda _: value

    def _word(self, token: _Token) -> Evaluate:
        if token.text in ("true", "false"):
            return lambda _: token.text == "true"
        if token.text == "inputs.parameter_values":
            self._expect("[")
            name = _unquoted(self._tokens.pop(0).text) if self._tokens else ""
            self._expect("]")
            return lambda values: _value(values, name)
        if token.text in ("int", "double"):
            self._expect("(")
            inner = self._either()
            self._expect(")")
            convert = int if token.text == "int" else float
            return lambda values: convert(inner(values))
        raise InvalidInput(f"the condition {self._text!r} is not understood at {token.text!r}")

    def _next_text(self) -> str:
        first = self._tokens[0] if self._tokens else None
        return first.text if first and first.kind == "sign" else ""

    def _takes(self, sign: str) -> bool:
        if self._next_text() != sign:
            return False
        self._tokens.pop(0)
        return True

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._lost()

    def _lost(self) -> InvalidInput:
        rest = self._text[self._tokens[0].at :] if self._tokens else "its end"
        return InvalidInput(f"the condition {self._text!r} is not understood at {rest!r}")


def _either(left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda values: left(values) or right(values)


def _both(left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda values: left(values) and right(values)


def _compared(sign: str, left: Evaluate, right: Evaluate) -> Evaluate:
    def compare(values: Mapping[str, Any]) -> bool:
        one, other = left(values), right(values)
        if isinstance(one, bool) is not isinstance(other, bool) and sign in ("==", "!="):
            return sign == "!="  # CEL knows no True == 1
        try:
            return _COMPARE[sign](one, other)
        except TypeError:
            raise FailedPrecondition(f"cannot compare {one!r} {sign} {other!r}") from None

    return compare


def _value(values: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401
    if name not in values:
        raise FailedPrecondition(f"the condition asks for {name!r}, which has no value")
    return values[name]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _number(text: str) -> float:
    return float(text) if re.search(r"[.eE]", text) else int(text)
