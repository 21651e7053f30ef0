"""All values of a metric in a log that grows: no byte of it is read twice."""

import mmap
import re
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from flowmaker.aws.logs import reading
from flowmaker.sagemaker.container.literals import sought_text
from flowmaker.sagemaker.container.metrics import value_of

#: Values that are kept of all logs together (16 bytes each). What was asked for the longest ago is
#: forgotten first, and read again if it is asked for.
MOST_VALUES = 1 << 20


@dataclass(slots=True)
class _Found:
    """What was found up to a byte of a log: where the lines end, and their values."""

    read_to: int = 0
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    lock: Lock = field(default_factory=Lock)


class Series:
    """The values of metrics, by log and regular expression. Blocking: ask in a thread."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[Path, str], _Found] = OrderedDict()
        self._lock = Lock()

    def values(self, log: Path, expression: str, *, closed: bool = False) -> list[float]:
        """All values so far, in their order. `closed`: the last line needs no line feed."""
        return list(self._up_to_now(log, expression, closed=closed)[1])

    def timed(
        self,
        log: Path,
        marks: tuple[tuple[int, int], ...],
        expression: str,
        *,
        closed: bool = False,
    ) -> list[tuple[datetime, float]]:
        """The same, each with the time at which its line was first seen, by the stream's marks."""
        ends, values = self._up_to_now(log, expression, closed=closed)
        window = reading.Window(log, marks, 0, 0)
        return [
            (datetime.fromtimestamp(window.time_of(end) / 1000, UTC), value)
            for end, value in zip(ends, values, strict=True)
        ]

    def _up_to_now(
        self, log: Path, expression: str, *, closed: bool
    ) -> tuple["array[int]", "array[float]"]:
        key = (log, expression)
        with self._lock:
            found = self._found.setdefault(key, _Found())
            self._found.move_to_end(key)
        with found.lock:
            end = reading.whole_lines(log, closed=closed)
            if end < found.read_to:  # another file by that name
                found.read_to, found.ends, found.values = 0, array("q"), array("d")
            for line_end, value in _matches(log, found.read_to, end, expression):
                found.ends.append(line_end)
                found.values.append(value)
            found.read_to = end
            answer = found.ends[:], found.values[:]
        with self._lock:
            self._forget_the_oldest()
        return answer

    def _forget_the_oldest(self) -> None:
        total = sum(len(found.values) for found in self._found.values())
        while total > MOST_VALUES and len(self._found) > 1:
            total -= len(self._found.popitem(last=False)[1].values)


def _matches(log: Path, start: int, end: int, expression: str) -> Iterator[tuple[int, float]]:
    """Where lines end that have a value, and the values."""
    if start >= end:
        return
    text, regex = sought_text(expression).encode(), re.compile(expression)
    with log.open("rb") as file, mmap.mmap(file.fileno(), end, access=mmap.ACCESS_READ) as content:
        at = start
        while at < end and (place := content.find(text, at, end)) >= 0:
            begin = content.rfind(b"\n", at, place) + 1 or at
            line_feed = content.find(b"\n", place, end)
            at = line_feed + 1 if line_feed >= 0 else end
            value = value_of(regex, reading.message(content[begin:at]))
            if value is not None:
                yield at, value
