"""The proxy of `flowmaker exec`: requests for *.amazonaws.com reach Flowmaker, others go on.

The AWS SDKs take `AWS_ENDPOINT_URL` from the environment; SageMaker's SDK does not for some of
its calls (`https://sts.<region>.amazonaws.com` is written into it). They all honour HTTPS_PROXY.
"""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from flowmaker.cli.authority import Authority

AMAZON = re.compile(r"(.+\.)?amazonaws\.com(\.cn)?")
#: Bytes that are passed on at a time.
PIECE = 64 * 1024
LONGEST_REQUEST = 16 * 1024


@dataclass(frozen=True, slots=True)
class Proxy:
    """A CONNECT proxy on the loopback."""

    flowmaker: str
    authority: Authority

    async def start(self) -> asyncio.Server:
        """Listen on a free port of the loopback."""
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LONGEST_REQUEST)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Cancelled is a connection that outlives the command. Python 3.11 reports that as an error.
        with suppress(
            OSError,
            asyncio.IncompleteReadError,
            asyncio.LimitOverrunError,
            asyncio.CancelledError,
        ):
            request = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = request.split(b" ", 2)
            host, _, port = target.decode("latin-1").rpartition(":")
            if method != b"CONNECT" or not port.isdigit():
                writer.write(b"HTTP/1.1 405 Only CONNECT\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            else:
                await self._connect(reader, writer, host, int(port))
        writer.close()

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int
    ) -> None:
        ours = AMAZON.fullmatch(host) is not None
        there = urlsplit(self.flowmaker)
        try:
            far_reader, far_writer = await asyncio.open_connection(
                there.hostname if ours else host, there.port if ours else port
            )
        except OSError:
            writer.write(b"HTTP/1.1 502 Cannot connect\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            if ours:
                await writer.start_tls(self.authority.context(host))
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends, then say that it ended."""
    with suppress(OSError):
        while piece := await source.read(PIECE):
            target.write(piece)
            await target.drain()
    with suppress(OSError):
        if target.can_write_eof():
            target.write_eof()
        else:
            target.close()
