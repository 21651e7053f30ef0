"""HTTP whose small answers go out in one piece.

Uvicorn writes the head of an answer, then its body: two calls of the system and two packets. Of a
prediction, which is a few bytes, these are a tenth of the cost.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes that wait for what follows. More is worth a write of its own, and would have to be copied.
HELD = 16 * 1024


class JoinedTransport:
    """A transport that holds a small piece back, until the next one or until the loop goes on."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held = b""
        self._call_soon = asyncio.get_running_loop().call_soon

    def write(self, data: bytes) -> None:
        if len(data) >= HELD:
            self._flush()
            self._transport.write(data)
        elif self._held:
            self._transport.write(self._held + data)
            self._held = b""
        else:
            self._held = data
            self._call_soon(self._flush)

    def writelines(self, pieces: list[bytes]) -> None:
        self._flush()
        self._transport.writelines(pieces)

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else it has
        return getattr(self._transport, name)


class JoinedHttp(HttpToolsProtocol):
    """Uvicorn's protocol on such transports."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(cast("asyncio.Transport", JoinedTransport(transport)))
