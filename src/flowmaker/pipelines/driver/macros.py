"""What KFP puts into the parameters of a recurring run when its run is made. Pure.

[[ScheduledTime]]            when the run is due, as 20060102150405
[[CurrentTime]]              when it is made
[[ScheduledTime.2006-01-02]] in a layout of Go's package time
[[Index]]                    how many runs there were, with this one
[[RunUUID]]                  the run's id
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

_MACRO = re.compile(r"\[\[(.*?)\]\]")
_DEFAULT_LAYOUT = "20060102150405"
#: The reference time of Go's layouts, Mon Jan 2 15:04:05 MST 2006, part by part; longest first.
_PARTS: Mapping[str, Callable[[datetime], str]] = {
    "January": lambda time: time.strftime("%B"),
    "Monday": lambda time: time.strftime("%A"),
    "-07:00": lambda _: "+00:00",
    "Z07:00": lambda _: "Z",
    "-0700": lambda _: "+0000",
    "Z0700": lambda _: "Z",
    "2006": lambda time: f"{time.year:04d}",
    "Jan": lambda time: time.strftime("%b"),
    "Mon": lambda time: time.strftime("%a"),
    "MST": lambda _: "UTC",
    "002": lambda time: time.strftime("%j"),
    "01": lambda time: f"{time.month:02d}",
    "02": lambda time: f"{time.day:02d}",
    "03": lambda time: time.strftime("%I"),
    "04": lambda time: f"{time.minute:02d}",
    "05": lambda time: f"{time.second:02d}",
    "06": lambda time: f"{time.year % 100:02d}",
    "15": lambda time: f"{time.hour:02d}",
    "_2": lambda time: f"{time.day:2d}",
    "PM": lambda time: time.strftime("%p"),
    "pm": lambda time: time.strftime("%p").lower(),
    "1": lambda time: str(time.month),
    "2": lambda time: str(time.day),
    "3": lambda time: str((time.hour + 11) % 12 + 1),
    "4": lambda time: str(time.minute),
    "5": lambda time: str(time.second),
}
_PART = re.compile("|".join(map(re.escape, _PARTS)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Occasion:
    """One run of a recurring run."""

    scheduled_at: datetime
    now: datetime
    index: int
    run_id: str


def expand(parameters: Mapping[str, Any], occasion: Occasion) -> dict[str, Any]:
    """The parameters with every macro in their texts filled in; others stay as they are."""
    return {name: _expanded(value, occasion) for name, value in parameters.items()}


def _expanded(value: Any, occasion: Occasion) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return _MACRO.sub(lambda found: _said(found, occasion), value)
    if isinstance(value, list):
        return [_expanded(one, occasion) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return expand(cast("dict[str, Any]", value), occasion)
    return value


def _said(found: re.Match[str], occasion: Occasion) -> str:
    name, _, layout = found[1].partition(".")
    if name in ("ScheduledTime", "CurrentTime"):
        time = occasion.scheduled_at if name == "ScheduledTime" else occasion.now
        return in_layout(time, layout or _DEFAULT_LAYOUT)
    if found[1] == "Index":
        return str(occasion.index)
    return occasion.run_id if found[1] == "RunUUID" else found[0]


def in_layout(time: datetime, layout: str) -> str:
    """A time in UTC as Go's `Time.Format` writes it."""
    utc = time.astimezone(UTC)
    return _PART.sub(lambda part: _PARTS[part[0]](utc), layout)
