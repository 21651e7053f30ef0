"""What a job's controller needs of the logs: to open a stream, to look at it, to close it."""

import asyncio
from pathlib import Path

from flowmaker.aws.logs import reading, repository
from flowmaker.aws.logs.repository import Place, Stream
from flowmaker.clock import Clock
from flowmaker.store.database import Database


class LogStreams:
    """The streams of the processes that this server runs."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open(self, place: Place, group: str, name: str, file: Path) -> None:
        """Show `file` as a stream; nothing when it is shown."""
        stream = Stream(
            group=group,
            name=name,
            created_at=self._clock.now(),
            file=file,
            closed=False,
            marks=(),
        )
        await self._database.write(repository.open_stream, place, stream)

    async def look(self, place: Place, group: str, name: str) -> Stream | None:
        """Note how far the file has grown: what is new in it is from now. The stream as it is."""
        stream = await self._database.read(repository.find_stream, place, group, name)
        return await self.note(place, stream) if stream else None

    async def note(self, place: Place, stream: Stream) -> Stream:
        """`look`, for who has the stream."""
        if stream.closed:
            return stream
        size = await asyncio.to_thread(reading.whole_lines, stream.file, closed=False)
        return await self._mark(place, stream, size)

    async def close(self, place: Place, group: str, name: str) -> None:
        """Nothing more is written to it."""
        stream = await self._database.read(repository.find_stream, place, group, name)
        if stream is None or stream.closed:
            return
        size = await asyncio.to_thread(reading.whole_lines, stream.file, closed=True)
        await self._mark(place, stream, size)
        await self._database.write(repository.close_stream, place, group, name)

    async def _mark(self, place: Place, stream: Stream, size: int) -> Stream:
        if size <= (stream.marks[-1][0] if stream.marks else 0):
            return stream
        now = int(self._clock.now().timestamp() * 1000)
        return await self._database.write(repository.add_mark, place, stream, (size, now))
