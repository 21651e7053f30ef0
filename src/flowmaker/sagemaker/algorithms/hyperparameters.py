"""Hyperparameters as an algorithm declares them, and the check of what a user sent.

SageMaker hands every hyperparameter over as a string; a schema says what each must parse to.
Pure, and of the standard library alone: the server checks a request with it before a job is made,
and the program parses with it when the job runs. The messages are those of AWS's containers.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

#: What a hyperparameter parses to.
Value = str | int | float | list[str] | list[int] | list[list[int]]


class Kind(Protocol):
    """What the text of a hyperparameter must be."""

    def parse(self, text: str) -> Value:
        """The value.

        Raises:
            ValueError: it does not parse at all.
            OutOfRange: it parses, but is not allowed.
        """
        ...


class OutOfRange(ValueError):  # noqa: N818 - named for what it says of the value
    """A value of the right type that is not allowed; the message says what is."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers from `low` to `high`, each end with or without itself."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def __contains__(self, value: float) -> bool:
        above = self.low is None or value > self.low or (value == self.low and not self.low_open)
        below = (
            self.high is None or value < self.high or (value == self.high and not self.high_open)
        )
        return above and below

    def __str__(self) -> str:
        low = "(-inf" if self.low is None else f"{'(' if self.low_open else '['}{self.low:g}"
        high = "+inf)" if self.high is None else f"{self.high:g}{')' if self.high_open else ']'}"
        return f"{low}, {high}"


def _within(value: float, interval: Interval) -> None:
    if value not in interval:
        raise OutOfRange(f"{value} is not in {interval}")


@dataclass(frozen=True, slots=True)
class Integer:
    interval: Interval = field(default_factory=Interval)
    #: Words that stand beside the numbers, e.g. `auto`.
    words: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        if text in self.words:
            return text
        value = int(text)
        _within(value, self.interval)
        return value


@dataclass(frozen=True, slots=True)
class Continuous:
    interval: Interval = field(default_factory=Interval)
    #: Words that stand beside the numbers, e.g. `auto`.
    words: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        if text in self.words:
            return text
        value = float(text)
        if math.isnan(value):
            raise OutOfRange(f"{value} is not in {self.interval}")
        _within(value, self.interval)
        return value


@dataclass(frozen=True, slots=True)
class Categorical:
    choices: tuple[str, ...]

    def parse(self, text: str) -> Value:
        if text not in self.choices:
            raise OutOfRange(f"{text} is not in {list(self.choices)}")
        return text


#: Yes or no, as Python and as JSON have them: the SageMaker SDK sends both.
BOOLEAN = Categorical(("true", "True", "false", "False"))


@dataclass(frozen=True, slots=True)
class CommaSeparated:
    """Several of the choices, with commas between them, or a JSON list of them."""

    choices: tuple[str, ...]
    #: Also allows what is not in the choices, e.g. `ndcg@10`.
    also: Callable[[str], bool] | None = None

    def parse(self, text: str) -> Value:
        words = _json_list(text) or [word.strip() for word in text.split(",")]
        for word in words:
            if word not in self.choices and not (self.also and self.also(word)):
                raise OutOfRange(f"value {word} not in range {list(self.choices)}")
        return words


@dataclass(frozen=True, slots=True)
class IntegerList:
    """A list of integers in parentheses or brackets, possibly of lists of them."""

    interval: Interval
    nested: bool = False

    def parse(self, text: str) -> Value:
        value = _json(text.strip().replace("(", "[").replace(")", "]").replace(",]", "]"))
        rows = value if self.nested else [value]
        for row in rows:
            if not isinstance(row, list):
                raise ValueError(text)  # noqa: TRY004 - it is what was sent that is wrong
            for number in cast("list[object]", row):
                if not isinstance(number, int) or number not in self.interval:
                    raise OutOfRange(f"value {text} not in range {self.interval}")
        return cast("Value", value)


def _json(text: str) -> list[object]:
    value: object = json.loads(text)
    if not isinstance(value, list):
        raise ValueError(text)  # noqa: TRY004 - it is what was sent that is wrong
    return cast("list[object]", value)


def _json_list(text: str) -> list[str]:
    return [str(word) for word in _json(text)] if text.lstrip().startswith("[") else []


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """All the hyperparameters of one algorithm."""

    kinds: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    #: Another name to the one it stands for.
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Valid for AWS but not here: the name and value ("*" for any), and why.
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    #: What must hold between several of them; each gives the complaints that it has.
    rules: Sequence[Callable[[Mapping[str, Value]], list[str]]] = ()

    def parse(self, given: Mapping[str, str]) -> tuple[dict[str, Value], list[str]]:
        """The values under their main names, and all that is wrong with what was given."""
        values: dict[str, Value] = {}
        problems: list[str] = []
        for name, text in given.items():
            problem = self._parse_one(name, text, values)
            if problem:
                problems.append(problem)
        missing = [name for name in self.required if name not in values and name not in given]
        problems += [f"Missing required hyperparameter: {name}" for name in missing]
        if not problems:
            problems = [complaint for rule in self.rules for complaint in rule(values)]
        return values, problems

    def _parse_one(self, name: str, text: str, values: dict[str, Value]) -> str:
        main = self.aliases.get(name, name)
        if main not in self.kinds:
            return f"Extraneous hyperparameter found: {name}"
        why = self.refused.get((main, "*")) or self.refused.get((main, text))
        if why:
            return f"Hyperparameter {name}: {text} is not supported here: {why}"
        if main in values:
            return f"Hyperparameter {main}: given twice, as {name} too"
        try:
            values[main] = self.kinds[main].parse(text)
        except OutOfRange as wrong:
            return f"Hyperparameter {name}: {wrong}"
        except ValueError:
            return f"Hyperparameter {name}: could not parse value {text!r}"
        return ""
