"""GetLogEvents and FilterLogEvents over streams that are in the database."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs import reading
from flowmaker.aws.logs.repository import kept
from flowmaker.aws.logs.repository.kept import KeptEvent, KeptStream, Position, Span
from flowmaker.store.database import Transaction

#: Bytes that one request looks through at most; then it answers with a token to go on.
MOST_READ = 50_000_000
BAD_TOKEN = "The specified nextToken is invalid."  # noqa: S105 - an error message
#: Digits of a token's two numbers, which are as long together as AWS's one.
TIME_DIGITS, ID_DIGITS = 20, 36


def page(
    tx: Transaction, stream: KeptStream, given: Mapping[str, Any], since: int
) -> Mapping[str, Any]:
    """A page of GetLogEvents. At an end the token is the one that was given, and no events."""
    token = given.get("nextToken")
    forward, position = _position(token) if token else (bool(given.get("startFromHead")), None)
    span = Span(
        start=max(given.get("startTime", 0), since),
        end=given.get("endTime"),
        after=position if forward else None,
        before=None if forward else position,
    )
    found = kept.events(tx, [stream], span, newest_first=not forward)
    events = list(_fitting(islice(found, given.get("limit", reading.MOST_EVENTS))))
    events = events if forward else events[::-1]
    end = position or Position(0, 0)
    first, last = (events[0].position, events[-1].position) if events else (end, end)
    return {
        "events": [_answer(one) for one in events],
        "nextForwardToken": f"f/{_digits(last)}/s",
        "nextBackwardToken": f"b/{_digits(first)}/s",
    }


def filtered(
    tx: Transaction,
    streams: Sequence[KeptStream],
    given: Mapping[str, Any],
    matches: Callable[[str], bool],
    since: int,
) -> Mapping[str, Any]:
    """A page of FilterLogEvents, and a token while there may be more."""
    limit = given.get("limit", reading.MOST_EVENTS)
    last = _after(given.get("nextToken"))
    span = Span(start=max(given.get("startTime", 0), since), end=given.get("endTime"), after=last)
    events: list[KeptEvent] = []
    read = size = 0
    more = False
    for one in kept.events(tx, streams, span):
        if len(events) >= limit or read > MOST_READ or size > reading.MOST_BYTES:
            more = True
            break
        last = one.position
        length = len(one.message.encode())
        read += length
        if matches(one.message):
            events.append(one)
            size += length
    answer: dict[str, Any] = {
        "events": [
            _answer(one) | {"logStreamName": one.stream, "eventId": _digits(one.position)}
            for one in events
        ],
        "searchedLogStreams": [],
    }
    return answer | ({"nextToken": _token(last)} if more and last else {})


def _fitting(events: Iterator[KeptEvent]) -> Iterator[KeptEvent]:
    """As many as one answer may have, but one at least."""
    size = 0
    for count, one in enumerate(events):
        size += len(one.message.encode())
        if count and size > reading.MOST_BYTES:
            return
        yield one


def _answer(one: KeptEvent) -> dict[str, Any]:
    return {
        "timestamp": one.position.at,
        "message": one.message,
        "ingestionTime": one.ingested_at,
    }


def _digits(position: Position) -> str:
    return f"{position.at:0{TIME_DIGITS}d}{position.id:0{ID_DIGITS}d}"


def _position(token: str) -> tuple[bool, Position]:
    """Whether it goes forward, and from where on."""
    direction, _, rest = token.partition("/")
    digits, _, end = rest.partition("/")
    well_formed = digits.isascii() and digits.isdecimal() and end == "s"
    if direction not in {"f", "b"} or not well_formed or len(digits) != TIME_DIGITS + ID_DIGITS:
        raise AwsError("InvalidParameterException", BAD_TOKEN)
    return direction == "f", _stored(int(digits[:TIME_DIGITS]), int(digits[TIME_DIGITS:]))


def _token(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps([position.at, position.id]).encode()).decode()


def _after(token: str | None) -> Position | None:
    if not token:
        return None
    try:
        at, id_ = json.loads(base64.urlsafe_b64decode(token))
        return _stored(int(at), int(id_))
    except (binascii.Error, ValueError, TypeError):
        raise AwsError("InvalidParameterException", BAD_TOKEN) from None


def _stored(at: int, id_: int) -> Position:
    """What SQLite can compare: a number that it cannot hold is of no token of ours."""
    if max(at, id_) >= 1 << 63:
        raise AwsError("InvalidParameterException", BAD_TOKEN)
    return Position(at, id_)
