"""The proxy of `flowmaker exec`."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from flowmaker.cli.authority import Authority
from flowmaker.cli.proxy import Proxy
from flowmaker.clock import SystemClock


async def test_connections_that_outlive_the_command_end_quietly(tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    before = asyncio.all_tasks()
    near = await Proxy("http://127.0.0.1:1", Authority(tmp_path, SystemClock())).start()
    async with near, await asyncio.start_server(_hold, "127.0.0.1", 0) as far:
        reader, writer = await asyncio.open_connection(*near.sockets[0].getsockname())
        port = far.sockets[0].getsockname()[1]
        writer.write(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
        left = asyncio.all_tasks() - before
        for task in left:  # as asyncio.run() does when the command has ended
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert said == []


async def _hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.CancelledError):
        await reader.read()
    writer.close()
