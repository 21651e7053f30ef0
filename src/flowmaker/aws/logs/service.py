"""The operations of CloudWatch Logs: reading. Nothing but jobs writes logs here."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs import answers, reading, repository
from flowmaker.aws.logs.filtering import Filter, filtered
from flowmaker.aws.logs.members import check
from flowmaker.aws.logs.reading import Event, Window
from flowmaker.aws.logs.repository import Place, Stream
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.aws.service import Call, Handler, Need, Needs, Operation
from flowmaker.clock import Clock
from flowmaker.ids import account_of, arn
from flowmaker.store.database import Database

NO_GROUP = "The specified log group does not exist."
NO_STREAM = "The specified log stream does not exist."
BAD_TOKEN = "The specified nextToken is invalid."  # noqa: S105 - an error message


class LogsService:
    """`logs`, for those who read."""

    name = "logs"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._streams = LogStreams(database, clock)

    def operations(self) -> Mapping[str, Operation]:
        handlers: dict[str, tuple[Handler, Needs]] = {
            "DescribeLogGroups": (self._groups, _all_groups),
            "DescribeLogStreams": (self._describe_streams, _one_group),
            "GetLogEvents": (self._events, _one_stream),
            "FilterLogEvents": (self._filter, _one_group),
        }
        return {
            name: Operation(handler=handler, needs=needs)
            for name, (handler, needs) in handlers.items()
        }

    async def _groups(self, call: Call) -> Mapping[str, Any]:
        check(call)
        prefix = call.parameters.get("logGroupNamePrefix", "")
        found = await self._database.read(repository.groups, _place(call), prefix)
        page, token = answers.page(found, call.parameters, lambda group: group.name)
        return {"logGroups": [answers.group(call, one) for one in page]} | token

    async def _describe_streams(self, call: Call) -> Mapping[str, Any]:
        check(call)
        given = call.parameters
        name = await self._existing_group(call)
        by_time = given.get("orderBy") == "LastEventTime"
        prefix = given.get("logStreamNamePrefix", "")
        if by_time and prefix:
            raise AwsError(
                "InvalidParameterException",
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            )
        found = await self._database.read(repository.streams, _place(call), name, prefix)
        noted = await asyncio.gather(*(self._streams.note(_place(call), one) for one in found))
        ordered = _ordered(noted, by_time=by_time, descending=bool(given.get("descending")))
        page, token = answers.page(ordered, given, lambda stream: stream.name)
        described = await asyncio.to_thread(lambda: [answers.stream(call, one) for one in page])
        return {"logStreams": described} | token

    async def _events(self, call: Call) -> Mapping[str, Any]:
        check(call)
        group = await self._existing_group(call)
        stream = await self._streams.look(_place(call), group, call.parameters["logStreamName"])
        if stream is None:
            raise AwsError("ResourceNotFoundException", NO_STREAM)
        return await asyncio.to_thread(_read, stream, call.parameters)

    async def _filter(self, call: Call) -> Mapping[str, Any]:
        check(call)
        given = call.parameters
        group = await self._existing_group(call)
        prefix = given.get("logStreamNamePrefix", "")
        found = await self._database.read(repository.streams, _place(call), group, prefix)
        names = given.get("logStreamNames")
        chosen = [one for one in found if not names or one.name in names]
        if names and len(chosen) < len(set(names)):
            raise AwsError("ResourceNotFoundException", NO_STREAM)
        noted = await asyncio.gather(*(self._streams.note(_place(call), one) for one in chosen))
        wanted = Filter.of(given)
        return await asyncio.to_thread(filtered, noted, wanted)

    async def _existing_group(self, call: Call) -> str:
        name = answers.group_name(call.parameters)
        if await self._database.read(repository.find_group, _place(call), name) is None:
            raise AwsError("ResourceNotFoundException", NO_GROUP)
        return name


def _read(stream: Stream, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page of GetLogEvents. At an end the token is the one that was given, and no events."""
    end = reading.whole_lines(stream.file, closed=stream.closed)
    end = min(end, stream.marks[-1][0]) if stream.marks else 0
    direction, position = _position(given.get("nextToken"), bool(given.get("startFromHead")), end)
    limit = given.get("limit", reading.MOST_EVENTS)
    if direction == "f":
        window = Window(stream.file, stream.marks, position, end)
        events = _page(reading.forward(window), given, limit)
        first, last = (events[0].offset, events[-1].end) if events else (position, position)
        last = last if events else (end if _passed(window, given) else position)
    else:
        window = Window(stream.file, stream.marks, 0, position)
        events = _page(reading.backward(window), given, limit)[::-1]
        first, last = (events[0].offset, events[-1].end) if events else (position, position)
    return {
        "events": [answers.event(one) for one in events],
        "nextForwardToken": f"f/{last:056d}/s",
        "nextBackwardToken": f"b/{first:056d}/s",
    }


def _passed(window: Window, given: Mapping[str, Any]) -> bool:
    """Nothing up to the window's end can ever be asked for with this startTime."""
    return "startTime" in given and "endTime" not in given and window.end > window.start


def _page(events: Iterable[Event], given: Mapping[str, Any], limit: int) -> list[Event]:
    start, end = given.get("startTime"), given.get("endTime")
    chosen = (
        one
        for one in events
        if (start is None or one.timestamp >= start) and (end is None or one.timestamp < end)
    )
    page: list[Event] = []
    size = 0
    for one in islice(chosen, limit):
        size += one.end - one.offset
        if page and size > reading.MOST_BYTES:
            break
        page.append(one)
    return page


def _position(token: str | None, from_head: bool, end: int) -> tuple[str, int]:  # noqa: FBT001
    if token is None:
        return ("f", 0) if from_head else ("b", end)
    parts = token.split("/")
    well_formed = len(parts) == 3 and parts[0] in {"f", "b"} and parts[1].isdecimal()  # noqa: PLR2004
    if not well_formed or int(parts[1]) > end:
        raise AwsError("InvalidParameterException", BAD_TOKEN)
    return parts[0], int(parts[1])


def _ordered(found: Sequence[Stream], *, by_time: bool, descending: bool) -> list[Stream]:
    def key(stream: Stream) -> tuple[int, str]:
        return (stream.marks[-1][1] if by_time and stream.marks else 0, stream.name)

    return sorted(found, key=key, reverse=descending)


def _place(call: Call) -> Place:
    return Place(account=call.account, region=call.region)


def _need(call: Call, resource: str) -> Need:
    # A group that is named by its ARN may be another account's, which is nobody's to read.
    account = account_of(call.parameters.get("logGroupIdentifier", "")) or call.account
    return Need(
        action=f"logs:{call.operation}", resource=arn("logs", call.region, account, resource)
    )


async def _all_groups(call: Call) -> Iterable[Need]:
    return [_need(call, "log-group:*")]


async def _one_group(call: Call) -> Iterable[Need]:
    return [_need(call, f"log-group:{answers.group_name(call.parameters)}:log-stream:*")]


async def _one_stream(call: Call) -> Iterable[Need]:
    group = answers.group_name(call.parameters)
    name = call.parameters["logStreamName"]
    return [_need(call, f"log-group:{group}:log-stream:{name}")]
