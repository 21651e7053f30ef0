"""HTTP as a model server speaks it, over the loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from flowmaker.sagemaker.container.model_client import ModelClient
from flowmaker.sagemaker.serving import http
from flowmaker.sagemaker.serving.model import Answer
from flowmaker.sagemaker.serving.server import ModelServer


class Upper:
    """Answers in capitals, unless it cannot."""

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        if body == b"wrong":
            raise ValueError("that is wrong")
        return Answer(body.upper() + accept.encode(), content_type or "text/csv")


CHUNKED = (
    b"POST /invocations HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n0\r\n\r\n"
)


@dataclass
class Served:
    """A server on a port, and how it is told to end."""

    port: int
    told: asyncio.Event = field(default_factory=asyncio.Event)
    #: While it is not set, no prediction is answered.
    go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    app = ModelServer(Upper())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Served(listening.getsockname()[1])
        made.go.set()

        async def handler(request: http.Request) -> http.Reply:
            made.asked.set()
            await made.go.wait()
            return await app(request)

        running = asyncio.create_task(http.serve_until(made.told, handler, listening))
        yield made
        made.told.set()
        async with asyncio.timeout(5):
            await running


async def test_it_answers_on_one_connection(served: Served) -> None:
    client = ModelClient()
    assert await client.ping(served.port)
    for _ in range(3):
        answer = await client.invoke(served.port, b"abc", {"Accept": "!", "Content-Type": "x/y"})
        assert (answer.status, answer.body) == (200, b"ABC!")
        assert answer.headers["content-type"] == "x/y"
    large = b"a" * 3_000_000
    assert (await client.invoke(served.port, large, {})).body == large.upper()
    assert (await client.invoke(served.port, b"", {})).status == 204
    assert (await client.invoke(served.port, b"wrong", {})).status == 500
    assert (await client.get(served.port, "/nothing?x=1")).status == 404
    assert (await client.get(served.port, "/execution-parameters")).status == 200
    await client.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /ping HTTP/1.1\r\nConnection: close\r\n\r\n", b"HTTP/1.1 200 "),
        (b"GET /ping HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 "),
        (CHUNKED, b"HTTP/1.1 200 "),
    ],
)
async def test_it_closes_what_is_not_to_be_kept(served: Served, sent: bytes, status: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(sent)
    answer = await reader.read()
    assert answer.startswith(status)
    assert b"connection: close\r\n" in answer
    writer.close()


async def test_requests_that_come_at_once_are_answered_in_their_order(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    post = b"POST /invocations HTTP/1.1\r\nContent-Length: 1\r\n\r\n"
    writer.write(post + b"a" + post + b"b" + b"GET /ping HTTP/1.0\r\n\r\n")
    answer = await reader.read()
    assert answer.index(b"\r\n\r\nA") < answer.index(b"\r\n\r\nB")
    writer.close()


async def test_what_was_asked_is_answered_before_it_ends(served: Served) -> None:
    client = ModelClient()
    served.go.clear()
    answer = asyncio.create_task(client.invoke(served.port, b"abc", {}))
    await served.asked.wait()
    served.told.set()
    await refused(served.port)
    served.go.set()
    assert (await answer).body == b"ABC"
    assert (await answer).headers["connection"] == "close"
    await client.close()


async def refused(port: int) -> None:
    """Returns when the port takes no connection any more."""
    async with asyncio.timeout(5):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                return
            writer.close()
