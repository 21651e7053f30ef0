"""HTTP to the model servers, as SageMaker speaks it: pings and invocations.

A client of its own, since it is on the way of every prediction: it does one thing, to this machine,
on connections that are kept, in a tenth of the time that a general one takes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

import httptools

from flowmaker.sagemaker.container.model_stream import ModelStream

Connected = TypeVar("Connected", bound=asyncio.BaseProtocol)

#: What SageMaker gives a container to answer a ping, and an invocation.
PING_SECONDS = 2.0
INVOCATION_SECONDS = 60.0
#: Connections to one server that are kept while nothing is sent.
KEPT = 32
#: More than this is no answer of a model.
LARGEST_ANSWER = 100 * 1024 * 1024


class ModelUnreachable(Exception):  # noqa: N818 - it says what is
    """No answer came from the model server; the message says why."""


class ModelTimedOut(ModelUnreachable):
    """It did not answer in time."""


class ModelRefused(ModelUnreachable):
    """It took no connection: nothing was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAnswer:
    """What a model server answered."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


class ModelClient:
    """Kept connections to all model servers. Use it on one event loop."""

    def __init__(self) -> None:
        self._idle: defaultdict[int, list[_Connection]] = defaultdict(list)

    async def ping(self, port: int) -> bool:
        """The server on the port is ready."""
        try:
            answer = await self.get(port, "/ping")
        except ModelUnreachable:
            return False
        return answer.status == 200  # noqa: PLR2004

    async def get(self, port: int, path: str) -> ModelAnswer:
        return await self._send(port, _head("GET", path, port, {}, 0), PING_SECONDS)

    async def delete(self, port: int, path: str) -> ModelAnswer:
        return await self._send(port, _head("DELETE", path, port, {}, 0), INVOCATION_SECONDS)

    async def invoke(
        self,
        port: int,
        body: bytes,
        headers: Mapping[str, str],
        *,
        path: str = "/invocations",
        seconds: float = INVOCATION_SECONDS,
    ) -> ModelAnswer:
        head = _head("POST", path, port, headers, len(body))
        return await self._send(port, head + body, seconds)

    async def stream(
        self, port: int, body: bytes, headers: Mapping[str, str], path: str
    ) -> ModelStream:
        """The answer as soon as its head is there; the rest is read while it comes. Close it."""
        message = _head("POST", path, port, headers, len(body)) + body
        try:
            async with asyncio.timeout(INVOCATION_SECONDS):
                _, stream = await _connected(ModelStream, port)
                await stream.ask(message)
                return stream
        except (TimeoutError, OSError) as error:
            raise _unreachable(error, INVOCATION_SECONDS) from None

    async def close(self) -> None:
        """Close what is kept."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    async def _send(self, port: int, message: bytes, seconds: float) -> ModelAnswer:
        try:
            return await self._exchange(port, message, seconds)
        except (TimeoutError, OSError) as error:
            raise _unreachable(error, seconds) from None

    async def _exchange(self, port: int, message: bytes, seconds: float) -> ModelAnswer:
        """One request on a kept connection; on a new one when the server had closed it.

        A server may close a connection just when we use it again. Then nothing of an answer came,
        and the request is sent once more, as every HTTP client does.
        """
        idle = self._idle[port]
        while idle:
            connection = idle.pop()
            if connection.is_open:
                try:
                    return await self._ask(port, connection, message, seconds)
                except ConnectionLostEarly:
                    break
        async with asyncio.timeout(seconds):
            _, connection = await _connected(_Connection, port)
        return await self._ask(port, connection, message, seconds)

    async def _ask(
        self, port: int, connection: "_Connection", message: bytes, seconds: float
    ) -> ModelAnswer:
        answered = False
        try:
            answer = await connection.ask(message, seconds)
            answered = True
            return answer
        finally:
            idle = self._idle[port]
            if answered and connection.is_open and len(idle) < KEPT:
                idle.append(connection)
            else:
                connection.close()


class ConnectionLostEarly(ConnectionError):  # noqa: N818 - it says what happened
    """The connection ended before the first byte of an answer."""


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, then the next."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[ModelAnswer] | None = None
        # One for all answers: a connection on which one went wrong is not asked again.
        self._parser = httptools.HttpResponseParser(self)
        self._begin()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, message: bytes, seconds: float) -> ModelAnswer:
        """The answer.

        Raises:
            TimeoutError: it did not come in so many seconds.
        """
        assert self._transport is not None, "it is connected"
        self._begin()
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        # A timer costs a third of what `asyncio.timeout` does.
        timer = loop.call_later(seconds, self._fail, TimeoutError())
        try:
            self._transport.write(message)
            return await self._answer
        finally:
            timer.cancel()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream's transport; other event loops have types of their own for it.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"it does not speak HTTP: {error}"))
        if self._size > LARGEST_ANSWER:
            self._fail(ConnectionError(f"its answer is larger than {LARGEST_ANSWER} bytes"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._heard and self._status_known and not self._framed:
            self.on_message_complete()  # such an answer ends with its connection
        lost = ConnectionError if self._heard else ConnectionLostEarly
        self._fail(lost(str(exc) if exc else "it closed the connection without an answer"))

    # httptools' callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        self._headers[key] = value.decode("latin-1")
        self._framed = self._framed or key in {"content-length", "transfer-encoding"}

    def on_headers_complete(self) -> None:
        self._status_known = True

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._size += len(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if not self._parser.should_keep_alive():
            self.close()
        if self._answer is not None and not self._answer.done():
            body = b"".join(self._parts)
            self._answer.set_result(ModelAnswer(status=status, headers=self._headers, body=body))

    def _begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []
        self._size = 0
        self._heard = self._framed = self._status_known = False

    def _fail(self, error: OSError) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


async def _connected(
    factory: Callable[[], Connected], port: int
) -> tuple[asyncio.BaseTransport, Connected]:
    try:
        return await asyncio.get_running_loop().create_connection(factory, "127.0.0.1", port)
    except OSError as error:
        raise ModelRefused(f"connection to the model server: {error}") from None


def _unreachable(error: OSError, seconds: float) -> ModelUnreachable:
    if isinstance(error, TimeoutError):
        return ModelTimedOut(f"no answer within {seconds:.0f} seconds")
    return ModelUnreachable(f"connection to the model server: {error}")


def _head(method: str, path: str, port: int, headers: Mapping[str, str], length: int) -> bytes:
    """A request's head. A header that could break out of its line does not get so far."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    for name, value in headers.items():
        if "\r" in value or "\n" in value:
            raise ModelUnreachable(f"the header {name} has a line break in it")
        lines.append(f"{name}: {value}")
    if method == "POST":
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
