"""FilterLogEvents: the events of several streams in the order of their times."""

import base64
import binascii
import heapq
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs import reading
from flowmaker.aws.logs.pattern import compiled
from flowmaker.aws.logs.reading import Event, Window
from flowmaker.aws.logs.repository import Stream

#: Bytes that one request looks through at most; then it answers with a token to go on.
MOST_READ = 50_000_000

Found = tuple[int, str, Event]


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What a request asks for."""

    matches: Callable[[str], bool]
    start: int
    end: int | None
    limit: int
    #: Older events are not shown, in milliseconds since 1970.
    since: int
    #: From which byte of each stream on.
    offsets: Mapping[str, int]

    @classmethod
    def of(cls, given: Mapping[str, Any], since: int) -> "Filter":
        return cls(
            matches=compiled(given.get("filterPattern") or ""),
            start=given.get("startTime", 0),
            end=given.get("endTime"),
            limit=given.get("limit", reading.MOST_EVENTS),
            since=since,
            offsets=_offsets(given.get("nextToken")),
        )


def filtered(streams: Sequence[Stream], wanted: Filter) -> Mapping[str, Any]:
    """A page of events, and a token while there may be more."""
    offsets = dict(wanted.offsets)
    found: list[Found] = []
    read = size = 0
    more = False
    for timestamp, stream, event in heapq.merge(
        *(_of(one, offsets, wanted.since) for one in streams)
    ):
        if len(found) >= wanted.limit or read > MOST_READ or size > reading.MOST_BYTES:
            more = True
            break
        offsets[stream] = event.end
        read += event.end - event.offset
        in_time = timestamp >= wanted.start and (wanted.end is None or timestamp < wanted.end)
        if in_time and wanted.matches(event.message):
            found.append((timestamp, stream, event))
            size += event.end - event.offset
    answer: dict[str, Any] = {
        "events": [_answer(stream, event) for _, stream, event in found],
        "searchedLogStreams": [],
    }
    return answer | ({"nextToken": _token(offsets)} if more else {})


def _of(stream: Stream, offsets: Mapping[str, int], since: int) -> Iterator[Found]:
    end = reading.whole_lines(stream.file, closed=stream.closed)
    end = min(end, stream.marks[-1][0]) if stream.marks else 0
    start = max(offsets.get(stream.name, 0), reading.shown_from(stream.marks, since))
    window = Window(stream.file, stream.marks, start, end)
    for event in reading.forward(window):
        yield event.timestamp, stream.name, event


def _answer(stream: str, event: Event) -> dict[str, Any]:
    return {
        "logStreamName": stream,
        "timestamp": event.timestamp,
        "message": event.message,
        "ingestionTime": event.timestamp,
        # Two streams may have a line at the same time and place; who follows tells them apart.
        "eventId": f"{event.timestamp:020d}{event.offset:020d}{crc32(stream.encode()):016d}",
    }


def _token(offsets: Mapping[str, int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(dict(offsets)).encode()).decode()


def _offsets(token: str | None) -> dict[str, int]:
    if not token:
        return {}
    try:
        given = json.loads(base64.urlsafe_b64decode(token))
        return {str(stream): int(offset) for stream, offset in given.items()}
    except (binascii.Error, ValueError, AttributeError, TypeError):
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.") from None
