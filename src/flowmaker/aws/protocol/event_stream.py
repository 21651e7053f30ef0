"""Event streams: an answer as messages, `application/vnd.amazon.eventstream`.

A message is its length, the length of its headers, a checksum of both; headers; a payload; a
checksum of it all. Each event is a member of the stream's shape.
"""

import struct
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

from flowmaker.aws.protocol.models import Structure
from flowmaker.aws.protocol.write_json import write_json

CONTENT_TYPE = "application/vnd.amazon.eventstream"
#: The type of a header's value: a string.
_STRING = 7
#: Bytes of a message beside its headers and payload.
_FRAME = 16

Event = tuple[str, Mapping[str, Any]]
"""The name of a member of the stream's shape, and the event's own members."""


async def encoded(shape: Structure, events: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    """Each event as a message. `shape` is the structure whose members are the events."""
    try:
        async for name, members in events:
            yield message(shape, name, members)
    finally:
        close = getattr(events, "aclose", None)  # an iterator need not have it
        if close is not None:
            await close()


def message(shape: Structure, name: str, members: Mapping[str, Any]) -> bytes:
    """One event. Those that are errors in the model are exceptions in the stream."""
    event = shape.members[name]
    kind = "exception" if event.metadata.get("exception") else "event"
    content_type, payload = _payload(event, members)
    headers = {
        f":{kind}-type": name,
        ":content-type": content_type,
        ":message-type": kind,
    }
    head = b"".join(_header(key, value) for key, value in headers.items())
    prelude = struct.pack("!II", _FRAME + len(head) + len(payload), len(head))
    checked = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return checked + struct.pack("!I", zlib.crc32(checked))


def _payload(event: Any, members: Mapping[str, Any]) -> tuple[str, bytes]:  # noqa: ANN401
    for name, member in event.members.items():
        if member.serialization.get("eventpayload") and member.type_name == "blob":
            return "application/octet-stream", members[name]
    return "application/json", write_json(event, members)


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text
