"""Small answers go out in one piece, and nothing else of a transport changes."""

import asyncio
from typing import Any, cast

import pytest

from flowmaker.sagemaker.serving.joined import HELD, JoinedTransport


class Played:
    """A transport that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.told.append(data)

    def writelines(self, pieces: list[bytes]) -> None:
        self.told.extend(pieces)

    def write_eof(self) -> None:
        self.told.append("eof")

    def close(self) -> None:
        self.told.append("closed")
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.told.append("paused")


@pytest.fixture
async def transport() -> JoinedTransport:
    return JoinedTransport(cast("asyncio.Transport", Played()))


def told(transport: JoinedTransport) -> list[Any]:
    return cast("Any", transport)._transport.told


async def test_head_and_body_are_one_write(transport: JoinedTransport) -> None:
    transport.write(b"head ")
    assert told(transport) == []
    transport.write(b"body")
    await asyncio.sleep(0)
    assert told(transport) == [b"head body"]


async def test_what_nothing_follows_goes_when_the_loop_goes_on(transport: JoinedTransport) -> None:
    transport.write(b"100 Continue")
    await asyncio.sleep(0)
    assert told(transport) == [b"100 Continue"]


async def test_large_pieces_are_not_copied_and_stay_in_order(transport: JoinedTransport) -> None:
    large = bytes(HELD)
    transport.write(b"head")
    transport.write(large)
    transport.write(b"end")
    transport.close()
    assert told(transport) == [b"head", large, b"end", "closed"]
    assert told(transport)[1] is large


async def test_nothing_is_written_behind_the_end(transport: JoinedTransport) -> None:
    transport.write(b"head")
    transport.write_eof()
    transport.writelines([b"a", b"b"])
    assert told(transport) == [b"head", "eof", b"a", b"b"]
    transport.write(b"lost")
    cast("Any", transport)._transport.closing = True
    await asyncio.sleep(0)
    assert b"lost" not in told(transport)


async def test_all_else_is_the_transports(transport: JoinedTransport) -> None:
    cast("asyncio.Transport", transport).pause_reading()
    assert told(transport) == ["paused"]
