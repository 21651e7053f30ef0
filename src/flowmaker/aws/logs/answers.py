"""The shapes of CloudWatch Logs' answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs.reading import Event
from flowmaker.aws.logs.repository import Group, Stream
from flowmaker.aws.logs.repository.kept import KeptStream
from flowmaker.aws.service import Call
from flowmaker.ids import arn

T = TypeVar("T")
PAGE = 50


def group_name(given: Mapping[str, Any]) -> str:
    """The group that a request names, by its name or its ARN."""
    if name := given.get("logGroupName"):
        return name
    identifier = given.get("logGroupIdentifier", "")
    if not identifier:
        raise AwsError(
            "InvalidParameterException", "One of logGroupName and logGroupIdentifier is required."
        )
    _, found, rest = identifier.partition(":log-group:")
    return rest.removesuffix(":*") if found else identifier


def page(
    found: Sequence[T], given: Mapping[str, Any], key: Callable[[T], str]
) -> tuple[Sequence[T], dict[str, str]]:
    """The part of `found` after the token, and the token for the next part if there is one."""
    start = 0
    if token := given.get("nextToken"):
        places = [place for place, one in enumerate(found) if key(one) == token]
        if not places:
            raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
        start = places[0] + 1
    end = start + int(given.get("limit", PAGE))
    further = {"nextToken": key(found[end - 1])} if end < len(found) else {}
    return found[start:end], further


def group(call: Call, one: Group) -> dict[str, Any]:
    name = arn("logs", call.region, call.account, f"log-group:{one.name}")
    retention = {"retentionInDays": one.retention_days} if one.retention_days else {}
    return retention | {
        "logGroupName": one.name,
        "creationTime": _milliseconds(one.created_at.timestamp()),
        "metricFilterCount": 0,
        "arn": f"{name}:*",
        "logGroupArn": name,
        "logGroupClass": "STANDARD",
    }


def stream(call: Call, one: Stream, since: int) -> dict[str, Any]:
    """One of a job, of which events are shown since a time, in milliseconds since 1970."""
    times = [time for _, time in one.marks if time >= since]
    return _described(call, one, (times[0], times[-1], times[-1]) if times else None)


def kept_stream(call: Call, one: KeptStream) -> dict[str, Any]:
    """The same of a stream that is in the database."""
    times = (one.first, one.last, one.ingested)
    return _described(call, one, times if one.last is not None else None)


def _described(
    call: Call, one: Stream | KeptStream, times: tuple[int | None, ...] | None
) -> dict[str, Any]:
    """Times of events are left out until there is one, as AWS does."""
    name = arn("logs", call.region, call.account, f"log-group:{one.group}:log-stream:{one.name}")
    described = {
        "logStreamName": one.name,
        "creationTime": _milliseconds(one.created_at.timestamp()),
        "arn": name,
        "storedBytes": 0,
    }
    names = ("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime")
    return described | dict(zip(names, times or (), strict=False))


def event(one: Event) -> dict[str, Any]:
    return {"timestamp": one.timestamp, "message": one.message, "ingestionTime": one.timestamp}


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
