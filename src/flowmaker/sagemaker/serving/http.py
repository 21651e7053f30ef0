"""HTTP for a model server, on httptools: requests of a connection, answered in their order.

No general server: it is on the way of every prediction and of every start, and does in a third of
the time what such a one does. What is in front of it is the endpoint, on this machine alone.
"""

import asyncio
import contextlib
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast

import httptools

from flowmaker.sagemaker.serving.model import Answer


@dataclass(slots=True)
class Request:
    """A request, whole."""

    method: str
    path: str
    #: Names in lower case.
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """Its answer."""

    status: HTTPStatus
    answer: Answer


Handler = Callable[[Request], Awaitable[Reply]]


class _Connection(asyncio.Protocol):
    """One connection. It is kept until the client ends it, or the server ends."""

    def __init__(self, handler: Handler, others: "set[_Connection]") -> None:
        self._handler = handler
        self._others = others
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._ending = False
        self.closed = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """Close it when what it was asked is answered."""
        self._ending = True
        if self._work is None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._others.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._others.discard(self)
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.write(_encoded(_BAD_REQUEST, keep=False))
            self._transport.close()

    # httptools' callbacks

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        request = Request(
            self._parser.get_method().decode(),
            httptools.parse_url(self._url).path.decode("latin-1"),
            self._headers,
            b"".join(self._body),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(self._answer_all())

    async def _answer_all(self) -> None:
        while self._waiting:
            request, keep = self._waiting.popleft()
            reply = await self._handler(request)
            # It may have been told to end meanwhile.
            self._ending = self._ending or not keep
            self._transport.write(_encoded(reply, keep=not self._ending))
        self._work = None
        if self._ending:
            self._transport.close()


_BAD_REQUEST = Reply(HTTPStatus.BAD_REQUEST, Answer(b"This is no HTTP request.", "text/plain"))


def _encoded(reply: Reply, *, keep: bool) -> bytes:
    status, answer = reply.status, reply.answer
    lines = [f"HTTP/1.1 {status.value} {status.phrase}"]
    if status != HTTPStatus.NO_CONTENT:
        lines += [f"content-type: {answer.content_type}", f"content-length: {len(answer.body)}"]
    if not keep:
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body


def run(handler: Handler, listening: socket.socket) -> None:
    """Answer until SIGTERM; what was asked before is answered then."""
    with (
        asyncio.Runner(loop_factory=_new_event_loop) as runner,
        contextlib.suppress(KeyboardInterrupt),
    ):
        runner.run(_serve(handler, listening))


def _new_event_loop() -> asyncio.AbstractEventLoop:
    """The faster loop, where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _serve(handler: Handler, listening: socket.socket) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await serve_until(told, handler, listening)


async def serve_until(told: asyncio.Event, handler: Handler, listening: socket.socket) -> None:
    """Answer until it is told to end."""
    loop = asyncio.get_running_loop()
    connections: set[_Connection] = set()
    server = await loop.create_server(lambda: _Connection(handler, connections), sock=listening)
    await told.wait()
    server.close()
    for connection in set(connections):
        connection.end()
    await asyncio.gather(*(connection.closed for connection in connections))
