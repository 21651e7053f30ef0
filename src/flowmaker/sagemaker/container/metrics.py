"""Metrics that a job prints: the last value that each definition's regex finds in its log."""

import math
import mmap
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from flowmaker.aws.logs import reading
from flowmaker.sagemaker.container.literals import sought_text
from flowmaker.sagemaker.records.training import Metric

#: A longer line is no metric; it would cost a bad regex too much time.
LONGEST_LINE = 4096


def final_metrics(
    log: Path, marks: tuple[tuple[int, int], ...], definitions: Mapping[str, str]
) -> tuple[Metric, ...]:
    """The last value of each metric in the log. Blocking: call it in a thread."""
    sought = _printed_at_all(log, definitions)
    window = reading.Window(log, marks, 0, reading.whole_lines(log, closed=True))
    last: dict[str, Metric] = {}
    for event in reading.backward(window) if sought else ():
        for name, (text, regex) in sought.items():
            value = value_of(regex, event.message) if text in event.message else None
            if value is not None:
                at = datetime.fromtimestamp(event.timestamp / 1000, UTC)
                last[name] = Metric(name=name, value=value, at=at)
        if last.keys() & sought.keys():
            sought = {name: each for name, each in sought.items() if name not in last}
            if not sought:
                break
    return tuple(last[name] for name in definitions if name in last)


def _printed_at_all(
    log: Path, definitions: Mapping[str, str]
) -> dict[str, tuple[str, re.Pattern[str]]]:
    """Those whose text is in the log, with the text, and what finds them in a line."""
    if not log.exists() or not log.stat().st_size:
        return {}
    sought: dict[str, tuple[str, re.Pattern[str]]] = {}
    with log.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for name, expression in definitions.items():
            text = sought_text(expression)
            if content.rfind(text.encode()) >= 0:
                sought[name] = text, re.compile(expression)
    return sought


def last_lines(log: Path, count: int = 3) -> str:
    """The end of the log, for a reason of failure."""
    end = reading.whole_lines(log, closed=True)
    lines: list[str] = []
    for event in reading.backward(reading.Window(log, (), 0, end)):
        lines.append(event.message.strip())
        if len(lines) == count:
            break
    return " ".join(reversed(lines))


def value_of(regex: re.Pattern[str], line: str) -> float | None:
    """The first group as a number; not NaN or infinite, which no client could read."""
    if len(line) > LONGEST_LINE:
        return None
    found = regex.search(line)
    try:
        value = float(found[1]) if found else math.nan
    except (IndexError, ValueError, TypeError):
        return None
    return value if math.isfinite(value) else None
