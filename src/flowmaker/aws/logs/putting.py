"""What CloudWatch Logs asks of the events of one PutLogEvents, and which of them it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs.repository import Group

#: Limits of a batch: each event counts for its message and these bytes more.
MOST_BYTES = 1_048_576
EVENT_BYTES = 26
DAY = 24 * 60 * 60 * 1000
OLDEST = 14 * DAY
NEWEST = 2 * 60 * 60 * 1000
#: For how many days events may be kept.
RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """The events that are kept, and where the others are: as CloudWatch tells it."""

    events: Sequence[tuple[int, str]]
    rejected: Mapping[str, int]


def taken(given: Sequence[Mapping[str, Any]], now: int, retention_days: int) -> Taken:
    """Leave out what is too old, too new, or older than the group keeps.

    Raises:
        AwsError: the batch as a whole is not what CloudWatch takes.
    """
    times = [one["timestamp"] for one in given]
    if times != sorted(times):
        raise _invalid(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    if times and times[-1] - times[0] > DAY:
        raise _invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than "
            "24 hours."
        )
    size = sum(len(one["message"].encode()) + EVENT_BYTES for one in given)
    if size > MOST_BYTES:
        raise _invalid(f"Upload too large: {size} bytes exceeds limit of {MOST_BYTES}")
    too_old = sum(at < now - OLDEST for at in times)
    expired = sum(at < cutoff(now, retention_days) for at in times)
    too_new = sum(at > now + NEWEST for at in times)
    rejected: dict[str, int] = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(times) - too_new
    kept = given[max(too_old, expired) : len(times) - too_new]
    return Taken([(one["timestamp"], one["message"]) for one in kept], rejected)


def cutoff(now: int, retention_days: int) -> int:
    """From which time on events are shown."""
    return now - retention_days * DAY if retention_days else 0


def shown_since(group: Group, now: int) -> int:
    """From which time on the group's events are shown, and were not gone before."""
    return max(group.gone_before, cutoff(now, group.retention_days))


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
