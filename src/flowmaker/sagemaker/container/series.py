"""All values of a metric in a log that grows: no byte of it is read twice."""

import mmap
import re
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from flowmaker.aws.cloudwatch.records import Summary
from flowmaker.aws.logs import reading
from flowmaker.aws.logs.repository import Marks
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
        self, log: Path, marks: Marks, expression: str, *, closed: bool = False
    ) -> list[tuple[float, Summary]]:
        """The same by the time at which their lines were first seen, in seconds since 1970.

        The stream's marks say when that was; all values up to one have its time. So a million of
        them are as many summaries as there are marks.
        """
        ends, values = self._up_to_now(log, expression, closed=closed)
        found: list[tuple[float, Summary]] = []
        begin = 0
        for mark, (offset, time) in enumerate(marks or ((0, 0),), 1):
            # What was printed after the last mark is seen by now.
            end = bisect_right(ends, offset, begin) if mark < len(marks) else len(ends)
            if part := values[begin:end]:
                summary = Summary(float(len(part)), sum(part), min(part), max(part))
                found.append((time / 1000, summary))
            begin = end
        return found

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
