"""The answer of a model server while it comes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import httptools

#: Bytes that may lie here unread before the server is made to wait.
UNREAD = 1 << 20


class ModelStream(asyncio.Protocol):
    """One connection, one request, and its answer piece by piece. Close it in the end."""

    def __init__(self) -> None:
        self.status = 0
        #: Names in lower case.
        self.headers: dict[str, str] = {}
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._complete = self._framed = False
        self._error: ConnectionError | None = None
        self._news = asyncio.Event()

    async def ask(self, message: bytes) -> None:
        """Send the request; returns when the answer's status and headers are there.

        Raises:
            ConnectionError: it gave none.
        """
        self._transport.write(message)
        while not self.status:
            await self._more()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces of the body.

        Raises:
            ConnectionError: the answer broke off.
        """
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._unread -= len(piece)
                yield piece
            self._transport.resume_reading()
            if self._complete:
                return
            await self._more()

    def close(self) -> None:
        self._transport.close()

    async def _more(self) -> None:
        if self._error is not None:
            raise self._error
        self._news.clear()
        await self._news.wait()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._error = ConnectionError(f"it does not speak HTTP: {error}")
        if self._unread > UNREAD:
            self._transport.pause_reading()
        self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.status and not self._framed and exc is None:
            self._complete = True  # such an answer ends with its connection
        elif not self._complete:
            self._error = self._error or ConnectionError(
                str(exc) if exc else "it closed the connection before the answer's end"
            )
        self._news.set()

    # httptools' callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        self.headers[key] = value.decode("latin-1")
        self._framed = self._framed or key in {"content-length", "transfer-encoding"}

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._unread += len(body)

    def on_message_complete(self) -> None:
        self._complete = True
