"""Lines of a log file as CloudWatch events, by byte offset."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from flowmaker.aws.logs.repository import Marks

#: CloudWatch's limits for one answer.
MOST_EVENTS = 10_000
MOST_BYTES = 1_000_000
#: CloudWatch's limit for one event; a longer line is cut, as its agent does.
LONGEST_EVENT = 262_144 - 26
BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the file."""

    offset: int
    end: int
    timestamp: int
    message: str


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a file: whole lines from `start` to `end`, with their times."""

    file: Path
    marks: Marks
    start: int
    end: int

    def time_of(self, line_end: int) -> int:
        """When the line that ends there was first seen whole."""
        found = bisect_right(self.marks, line_end - 1, key=lambda mark: mark[0])
        return self.marks[min(found, len(self.marks) - 1)][1] if self.marks else 0


def whole_lines(file: Path, *, closed: bool) -> int:
    """Up to which byte the file has whole lines; all of it when it is closed."""
    try:
        size = file.stat().st_size
        if closed or not size:
            return size
        with file.open("rb") as opened:
            return _last_line_feed(opened, size)
    except FileNotFoundError:
        return 0


def shown_from(marks: Marks, since: int) -> int:
    """Up to which byte the lines are older than `since`, in milliseconds since 1970."""
    older = bisect_left(marks, since, key=lambda mark: mark[1])
    return marks[older - 1][0] if older else 0


def forward(window: Window) -> Iterator[Event]:
    """The events of the window from its start on; lines without anything are none."""
    if window.start >= window.end or not window.file.exists():
        return
    with window.file.open("rb") as opened:
        opened.seek(window.start)
        offset = window.start
        while offset < window.end and (line := opened.readline()):
            end = min(offset + len(line), window.end)
            if text := message(line[: end - offset]):
                yield Event(offset, end, window.time_of(end), text)
            offset = end


def backward(window: Window) -> Iterator[Event]:
    """The events of the window from its end back to its start, the last one first."""
    end = window.end
    while end > window.start:
        begin = max(window.start, end - BLOCK)
        with window.file.open("rb") as opened:
            begin = _line_start(opened, begin, end, window.start)
        block = Window(window.file, window.marks, begin, end)
        yield from reversed(list(forward(block)))
        end = begin


def message(line: bytes) -> str:
    """A line as CloudWatch shows what SageMaker sends it: a tab is written `#011`.

    The metric definitions of the built-in algorithms rely on that.
    """
    text = line[:LONGEST_EVENT].decode("utf-8", "replace").rstrip("\r\n")
    return text.replace("\t", "#011")


def _last_line_feed(opened: BinaryIO, size: int) -> int:
    end = size
    while end > 0:
        begin = max(0, end - BLOCK)
        opened.seek(begin)
        found = opened.read(end - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        end = begin
    return 0


def _line_start(opened: BinaryIO, begin: int, end: int, lowest: int) -> int:
    """Where the line starts that begins at `begin` or contains it; never before `lowest`."""
    while begin > lowest:
        opened.seek(begin - 1)
        found = opened.read(end - begin + 1).find(b"\n")
        if 0 <= found < end - begin:
            return begin + found
        end, begin = begin, max(lowest, begin - BLOCK)
    return lowest
