"""Bytes between the network and a file: in pieces of a megabyte, so that memory does not grow.

While one piece is written (or sent), the next one is received (or read).
"""

import asyncio
from asyncio import Future
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import Executor
from typing import Protocol, Self

from flowmaker.objects.blobs import Descriptor, NewBlob

PIECE = 1 << 20


class Digest(Protocol):
    """A checksum that is computed along the way."""

    def update(self, data: bytes, /) -> object: ...


async def receive(
    body: AsyncIterable[bytes], blob: NewBlob, threads: Executor, digests: tuple[Digest, ...] = ()
) -> list[bytes]:
    """Write `body` to `blob`, but for its last piece, which is returned.

    What is returned saves small bodies a change of thread: whoever finishes the blob writes it.
    """
    loop = asyncio.get_running_loop()
    pending: list[bytes] = []
    size = 0
    writing: Future[None] | None = None
    try:
        async for chunk in body:
            pending.append(chunk)
            size += len(chunk)
            if size >= PIECE:
                if writing is not None:
                    await writing
                writing = loop.run_in_executor(threads, absorb, blob, pending, digests)
                pending, size = [], 0
    finally:
        # Also when the client broke off: the file must not be written to after it is removed.
        if writing is not None:
            await asyncio.shield(writing)
    return pending


def absorb(blob: NewBlob, chunks: list[bytes], digests: tuple[Digest, ...]) -> None:
    """Write and digest some chunks; in a thread."""
    blob.write(chunks)
    for digest in digests:
        for chunk in chunks:
            digest.update(chunk)


class FileStream(AsyncIterator[bytes]):
    """A range of a file, read one piece ahead. The file is closed with the stream."""

    def __init__(self, file: Descriptor, start: int, length: int, threads: Executor) -> None:
        self._file = file
        self._position = start
        self._end = start + length
        self._threads = threads
        self._ahead: Future[bytes] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        reading = self._ahead or self._read()
        self._ahead = None
        if reading is None:
            raise StopAsyncIteration
        data = await reading
        if not data:
            raise OSError(f"A file of an object ended {self._end - self._position} bytes early")
        self._ahead = self._read()
        return data

    def _read(self) -> "Future[bytes] | None":
        size = min(PIECE, self._end - self._position)
        if size <= 0:
            return None
        start, self._position = self._position, self._position + size
        read: Callable[[int, int], bytes] = self._file.read
        return asyncio.get_running_loop().run_in_executor(self._threads, read, start, size)
