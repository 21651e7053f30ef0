"""The part of JSONPath that batch transform knows. Pure.

Contract: the developer guide, "Associate Prediction Results with Input Records": `$`, `.name`, `*`,
`['a','b']`, `[0,2]` and `[1:3]`.
"""

import re
from dataclasses import dataclass
from typing import Any, cast

_NAME = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*|\*)")
_NAMES = re.compile(r"\[\s*(?P<names>'[^']*'(?:\s*,\s*'[^']*')*)\s*\]")
_NUMBERS = re.compile(r"\[\s*(?P<numbers>-?\d+(?:\s*,\s*-?\d+)*)\s*\]")
_SLICE = re.compile(r"\[\s*(?P<start>-?\d*)\s*:\s*(?P<end>-?\d*)\s*\]")
_ALL = re.compile(r"\[\s*\*\s*\]")


@dataclass(frozen=True, slots=True)
class Names:
    """Members of an object."""

    names: tuple[str, ...]
    several: bool


@dataclass(frozen=True, slots=True)
class Numbers:
    """Items of an array."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slice:
    """Items of an array from one to before another."""

    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Every:
    """All items of an array, or all values of an object."""


Step = Names | Numbers | Slice | Every


@dataclass(frozen=True, slots=True)
class Path:
    """A filter."""

    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Path":
        """The filter of that text.

        Raises:
            ValueError: it is none that is known; the message quotes the part.
        """
        if not text.startswith("$"):
            raise ValueError(f"a filter begins with $: {text}")
        rest, steps = text[1:], list[Step]()
        while rest:
            step, rest = _step(rest, text)
            steps.append(step)
        return cls(tuple(steps))

    def select(self, document: Any) -> Any:  # noqa: ANN401 - JSON
        """What the filter selects.

        Raises:
            ValueError: the document has nothing there.
        """
        for step in self.steps:
            document = _selected(step, document)
        return document


def _step(rest: str, whole: str) -> tuple[Step, str]:
    if found := _NAME.match(rest):
        name = found["name"]
        return Every() if name == "*" else Names((name,), several=False), rest[found.end() :]
    if found := _NAMES.match(rest):
        names = tuple(re.findall(r"'([^']*)'", found["names"]))
        return Names(names, several=len(names) > 1), rest[found.end() :]
    if found := _NUMBERS.match(rest):
        numbers = tuple(int(one) for one in found["numbers"].split(","))
        return Numbers(numbers), rest[found.end() :]
    if found := _SLICE.match(rest):
        start, end = (int(found[name]) if found[name] else None for name in ("start", "end"))
        return Slice(start, end), rest[found.end() :]
    if found := _ALL.match(rest):
        return Every(), rest[found.end() :]
    raise ValueError(f"{rest} in the filter {whole} is not supported: see the developer guide")


def _selected(step: Step, document: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(step, Names):
        return _members(step, document)
    if isinstance(step, Every):
        if isinstance(document, dict):
            return list(cast("dict[str, Any]", document).values())
        return list(document)
    if not isinstance(document, list):
        raise ValueError(  # noqa: TRY004 - it is the data that is wrong
            f"there is no array to take items of: {str(document)[:80]}"
        )
    items = cast("list[Any]", document)
    if isinstance(step, Slice):
        return items[step.start : step.end]
    try:
        found = [items[number] for number in step.numbers]
    except IndexError:
        raise ValueError(f"the array has only {len(items)} items: {step.numbers}") from None
    return found if len(found) > 1 else found[0]


def _members(step: Names, document: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(document, dict):
        raise ValueError(  # noqa: TRY004 - it is the data that is wrong
            f"there is no object to take members of: {str(document)[:80]}"
        )
    members = cast("dict[str, Any]", document)
    missing = [name for name in step.names if name not in members]
    if missing:
        raise ValueError(f"the object has no member {missing[0]}")
    if step.several:
        return {name: members[name] for name in step.names}
    return members[step.names[0]]
