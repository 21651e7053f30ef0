"""CloudWatch's regular expressions, in a time that grows with the text alone.

Python's own would take minutes for some expressions on a long line, and nobody else would be served
meanwhile. CloudWatch has no groups, so an expression is some alternatives, each a row of steps.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flowmaker.aws.errors import AwsError

_ATOM = re.compile(
    r"\\x[0-9A-Fa-f]{2}|\\[dDsSwW]|\\[^A-Za-z0-9]|\[\^?(?:\\.|[^\]\\])+\]|[A-Za-z0-9:_#=@/;,\- .]"
)
_REPEATED = re.compile(r"[?*+]|\{(\d+)(,?)(\d*)\}")
#: Steps of an expression at most, its repetitions written out; and remembered moves.
MOST_STEPS = 1000
MOST_MOVES = 20_000

#: An alternative, and how many of its steps are done.
_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Step:
    character: re.Pattern[str]
    may_be_missing: bool = False
    may_come_again: bool = False


@dataclass(slots=True)
class _Way:
    """One of the alternatives."""

    steps: list[_Step] = field(default_factory=list[_Step])
    from_start: bool = False
    to_end: bool = False


def search(expression: str) -> Callable[[str], bool]:
    """A test whether the expression, written without its `%`, is somewhere in a text.

    Raises:
        AwsError: it is not one of CloudWatch's.
    """
    return _Search(_ways(expression)).found


@dataclass(slots=True)
class _State:
    """All places that the characters so far lead to, and where the next one leads."""

    places: frozenset[_Place]
    is_found: bool
    is_found_at_end: bool
    moves: "dict[str, _State]" = field(default_factory=dict[str, "_State"])


class _Search:
    def __init__(self, ways: list[_Way]) -> None:
        self._ways = ways
        self._states: dict[frozenset[_Place], _State] = {}
        self._moves = 0
        self._start = self._closed((number, 0) for number in range(len(ways)))
        free = [number for number, way in enumerate(ways) if not way.from_start]
        self._again = self._closed((number, 0) for number in free)

    def found(self, text: str) -> bool:
        state = self._state(self._start)
        for character in text:
            if state.is_found:
                return True
            state = state.moves.get(character) or self._moved(state, character)
        return state.is_found_at_end

    def _moved(self, state: _State, character: str) -> _State:
        if self._moves >= MOST_MOVES:
            for known in self._states.values():
                known.moves.clear()
            self._states.clear()
            self._moves = 0
        self._moves += 1
        moved = self._state(self._closed(self._reached(state.places, character)) | self._again)
        state.moves[character] = moved
        return moved

    def _state(self, places: frozenset[_Place]) -> _State:
        if places not in self._states:
            ends = [way for way, done in places if done == len(self._ways[way].steps)]
            self._states[places] = _State(
                places,
                is_found=any(not self._ways[way].to_end for way in ends),
                is_found_at_end=bool(ends),
            )
        return self._states[places]

    def _reached(self, places: Iterable[_Place], character: str) -> Iterable[_Place]:
        for way, done in places:
            steps = self._ways[way].steps
            if done < len(steps) and steps[done].character.fullmatch(character):
                yield (way, done if steps[done].may_come_again else done + 1)

    def _closed(self, places: Iterable[_Place]) -> frozenset[_Place]:
        """The places, and those behind steps that may be missing."""
        closed: set[_Place] = set()
        for way, place in places:
            steps, done = self._ways[way].steps, place
            closed.add((way, done))
            while done < len(steps) and steps[done].may_be_missing:
                done += 1
                closed.add((way, done))
        return frozenset(closed)


def _ways(expression: str) -> list[_Way]:
    ways = [_Way()]
    rest = expression
    while rest:
        way = ways[-1]
        if rest[0] == "|":
            ways.append(_Way())
        elif rest[0] == "^" and not way.steps and not way.from_start:
            way.from_start = True
        elif rest[0] == "$" and rest[1:2] in {"", "|"}:
            way.to_end = True
        else:
            rest = _steps(rest, way.steps)
            continue
        rest = rest[1:]
    if sum(len(way.steps) for way in ways) > MOST_STEPS:
        raise _invalid(expression)
    return ways


def _steps(rest: str, steps: list[_Step]) -> str:
    """Read a character of the expression with its repetition; what is left."""
    atom = _ATOM.match(rest)
    if atom is None:
        raise _invalid(rest)
    try:
        character = re.compile(atom[0], re.ASCII | re.DOTALL)
    except re.error:
        raise _invalid(rest) from None
    rest = rest[atom.end() :]
    least, most = 1, 1
    repeated = _REPEATED.match(rest)
    if repeated:
        least, most = _times(repeated)
        rest = rest[repeated.end() :]
    if max(least, most) > MOST_STEPS or 0 <= most < least:
        raise _invalid(rest)
    steps += [_Step(character)] * least
    if most < 0:
        steps.append(_Step(character, may_be_missing=True, may_come_again=True))
    steps += [_Step(character, may_be_missing=True)] * (most - least)
    return rest


def _times(repeated: re.Match[str]) -> tuple[int, int]:
    """How often at least and at most; -1: without an end."""
    simple = {"?": (0, 1), "*": (0, -1), "+": (1, -1)}
    if repeated[0] in simple:
        return simple[repeated[0]]
    least, comma, most = repeated.groups()
    if len(least) + len(most) > len(str(MOST_STEPS)) * 2:
        raise _invalid(repeated[0])
    return int(least), int(most) if most else (-1 if comma else int(least))


def _invalid(rest: str) -> AwsError:
    return AwsError(
        "InvalidParameterException",
        f"Invalid filter pattern: not a regular expression that CloudWatch Logs has: {rest}",
    )
