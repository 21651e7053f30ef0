"""Responses onto the wire, as ASGI messages."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from flowmaker.aws.protocol.request import Request
from flowmaker.aws.protocol.response import Response

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Without a body, so without a length.
_BODILESS = (204, 304)


class Receiver:
    """`receive`, which remembers whether it was used: the first use says `100 Continue`."""

    def __init__(self, receive: Receive, request: Request) -> None:
        self._receive = receive
        self._waits = request.headers.get("expect", "").lower() == "100-continue"

    async def __call__(self) -> Mapping[str, Any]:
        self._waits = False
        return await self._receive()

    @property
    def client_waits(self) -> bool:
        """The client holds its body back, and will never send it after a final answer."""
        return self._waits


async def begun(response: Response) -> Response:
    """The response with its stream's first piece read: a failure there is still an answer."""
    if isinstance(response.body, bytes):
        return response
    rest = response.body
    first = await anext(rest, b"")
    return replace(response, body=_again(first, rest))


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        yield first
        async for piece in rest:
            yield piece
    finally:
        close = getattr(rest, "aclose", None)  # an iterator need not have it
        if close is not None:
            await close()


async def send_response(response: Response, method: str, receive: Receiver, send: Send) -> None:
    """Sends all of it.

    A client whose body was never asked for might use the connection for its next request, which
    the server would take for that body: such a connection ends here.

    When a stream breaks off, so does the connection: a client must not take half for the whole.
    """
    headers = {name.lower(): value for name, value in response.headers.items()}
    length = len(response.body) if isinstance(response.body, bytes) else response.length
    bodiless = method == "HEAD" or response.status in _BODILESS
    if length is not None and not bodiless:
        headers.setdefault("content-length", str(length))
    if receive.client_waits:
        headers["connection"] = "close"
    encoded = [(name.encode(), _latin1(value)) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": encoded})
    if isinstance(response.body, bytes):
        body = b"" if bodiless else response.body
        await send({"type": "http.response.body", "body": body})
    elif bodiless:
        await send({"type": "http.response.body", "body": b""})
    else:
        await _stream(response.body, receive, send)


def _latin1(value: str) -> bytes:
    """Bytes of a header: what is beyond latin-1 goes as UTF-8, and no line may be added."""
    try:
        encoded = value.encode("latin-1")
    except UnicodeEncodeError:
        encoded = value.encode()
    return encoded.replace(b"\r", b" ").replace(b"\n", b" ")


async def _stream(body: AsyncIterator[bytes], receive: Receiver, send: Send) -> None:
    """Piece by piece, until the end or until nobody listens."""
    gone = asyncio.ensure_future(receive())
    try:
        async with aclosing(cast("Any", body)) as pieces:
            async for piece in pieces:
                if gone.done() and gone.result()["type"] == "http.disconnect":
                    return
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
