"""The operations of CloudWatch Logs that read: what jobs print, and what users put."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs import answers, kept_reading, reading, repository
from flowmaker.aws.logs.changes import NO_GROUP, NO_STREAM, LogChanges, milliseconds, place
from flowmaker.aws.logs.filtering import Filter, filtered
from flowmaker.aws.logs.members import check
from flowmaker.aws.logs.needs import all_groups, one_group, one_stream
from flowmaker.aws.logs.pattern import compiled
from flowmaker.aws.logs.putting import shown_since
from flowmaker.aws.logs.reading import Event, Window
from flowmaker.aws.logs.repository import Group, Place, Stream, kept
from flowmaker.aws.logs.repository.kept import KeptStream
from flowmaker.aws.logs.streams import LogStreams
from flowmaker.aws.service import Call, Handler, Needs, Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database, Transaction

BAD_TOKEN = "The specified nextToken is invalid."  # noqa: S105 - an error message

S = TypeVar("S", Stream, KeptStream)


class LogsService:
    """`logs`. A group is either of jobs, whose streams are files, or kept: its events are rows."""

    name = "logs"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._changes = LogChanges(database, clock)
        self._streams = LogStreams(database, clock)

    def operations(self) -> Mapping[str, Operation]:
        handlers: dict[str, tuple[Handler, Needs]] = {
            "DescribeLogGroups": (self._groups, all_groups),
            "DescribeLogStreams": (self._describe_streams, one_group),
            "GetLogEvents": (self._events, one_stream),
            "FilterLogEvents": (self._filter, one_group),
        }
        reads = {
            name: Operation(handler=handler, needs=needs)
            for name, (handler, needs) in handlers.items()
        }
        return {**reads, **self._changes.operations()}

    async def _groups(self, call: Call) -> Mapping[str, Any]:
        check(call)
        prefix = call.parameters.get("logGroupNamePrefix", "")
        found = await self._database.read(_groups, place(call), prefix)
        page, token = answers.page(found, call.parameters, lambda group: group.name)
        return {"logGroups": [answers.group(call, one) for one in page]} | token

    async def _describe_streams(self, call: Call) -> Mapping[str, Any]:
        check(call)
        given = call.parameters
        group = await self._existing_group(call)
        by_time = given.get("orderBy") == "LastEventTime"
        prefix = given.get("logStreamNamePrefix", "")
        if by_time and prefix:
            raise AwsError(
                "InvalidParameterException",
                "Cannot order by LastEventTime with a logStreamNamePrefix.",
            )
        if group.is_kept:
            return await self._describe_kept(call, group, by_time=by_time)
        found = await self._database.read(repository.streams, place(call), group.name, prefix)
        noted = await asyncio.gather(*(self._streams.note(place(call), one) for one in found))
        ordered = _ordered(noted, by_time=by_time, descending=bool(given.get("descending")))
        page, token = answers.page(ordered, given, lambda stream: stream.name)
        since = self._since(group)
        described = await asyncio.to_thread(
            lambda: [answers.stream(call, one, since) for one in page]
        )
        return {"logStreams": described} | token

    async def _describe_kept(self, call: Call, group: Group, *, by_time: bool) -> Mapping[str, Any]:
        given = call.parameters
        prefix, since = given.get("logStreamNamePrefix", ""), self._since(group)
        found = await self._database.read(kept.streams, place(call), group.name, prefix, since)

        def key(stream: KeptStream) -> tuple[int, str]:
            return (stream.last or 0 if by_time else 0, stream.name)

        ordered = sorted(found, key=key, reverse=bool(given.get("descending")))
        page, token = answers.page(ordered, given, lambda stream: stream.name)
        return {"logStreams": [answers.kept_stream(call, one) for one in page]} | token

    async def _events(self, call: Call) -> Mapping[str, Any]:
        check(call)
        group = await self._existing_group(call)
        if group.is_kept:
            return await self._database.read(_kept_page, call, group, self._since(group))
        stream = await self._streams.look(place(call), group.name, call.parameters["logStreamName"])
        if stream is None:
            raise AwsError("ResourceNotFoundException", NO_STREAM)
        return await asyncio.to_thread(_read, stream, call.parameters, self._since(group))

    async def _filter(self, call: Call) -> Mapping[str, Any]:
        check(call)
        given = call.parameters
        group = await self._existing_group(call)
        if group.is_kept:
            return await self._database.read(_kept_matches, call, group, self._since(group))
        prefix = given.get("logStreamNamePrefix", "")
        found = await self._database.read(repository.streams, place(call), group.name, prefix)
        chosen = _chosen(found, given)
        noted = await asyncio.gather(*(self._streams.note(place(call), one) for one in chosen))
        wanted = Filter.of(given, self._since(group))
        return await asyncio.to_thread(filtered, noted, wanted)

    async def _existing_group(self, call: Call) -> Group:
        name = answers.group_name(call.parameters)
        found = await self._database.read(_find_group, place(call), name)
        if found is None:
            raise AwsError("ResourceNotFoundException", NO_GROUP)
        return found

    def _since(self, group: Group) -> int:
        """From which time on its events are shown."""
        return shown_since(group, milliseconds(self._clock.now()))


def _find_group(tx: Transaction, where: Place, name: str) -> Group | None:
    return repository.find_group(tx, where, name) or kept.find_group(tx, where, name)


def _groups(tx: Transaction, where: Place, prefix: str) -> Sequence[Group]:
    found = [*repository.groups(tx, where, prefix), *kept.groups(tx, where, prefix)]
    return sorted(found, key=lambda group: group.name)


def _kept_page(tx: Transaction, call: Call, group: Group, since: int) -> Mapping[str, Any]:
    given = call.parameters
    stream = kept.find_stream(tx, place(call), group.name, given["logStreamName"])
    if stream is None:
        raise AwsError("ResourceNotFoundException", NO_STREAM)
    return kept_reading.page(tx, stream, given, since)


def _kept_matches(tx: Transaction, call: Call, group: Group, since: int) -> Mapping[str, Any]:
    given = call.parameters
    prefix = given.get("logStreamNamePrefix", "")
    chosen = _chosen(kept.streams(tx, place(call), group.name, prefix), given)
    matches = compiled(given.get("filterPattern") or "")
    return kept_reading.filtered(tx, chosen, given, matches, since)


def _chosen(found: Sequence[S], given: Mapping[str, Any]) -> list[S]:
    """Those that the request names, or all."""
    names = given.get("logStreamNames")
    chosen = [one for one in found if not names or one.name in names]
    if names and len(chosen) < len(set(names)):
        raise AwsError("ResourceNotFoundException", NO_STREAM)
    return chosen


def _read(stream: Stream, given: Mapping[str, Any], since: int) -> Mapping[str, Any]:
    """A page of GetLogEvents. At an end the token is the one that was given, and no events."""
    end = reading.whole_lines(stream.file, closed=stream.closed)
    end = min(end, stream.marks[-1][0]) if stream.marks else 0
    direction, position = _position(given.get("nextToken"), bool(given.get("startFromHead")), end)
    limit = given.get("limit", reading.MOST_EVENTS)
    # What the group does not keep any more is behind its first line.
    first_shown = reading.shown_from(stream.marks, since)
    position = max(position, first_shown)
    if direction == "f":
        window = Window(stream.file, stream.marks, position, end)
        events = _page(reading.forward(window), given, limit)
        first, last = (events[0].offset, events[-1].end) if events else (position, position)
        last = last if events else (end if _passed(window, given) else position)
    else:
        window = Window(stream.file, stream.marks, first_shown, position)
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
