"""A word for whoever waits: something was written."""

import asyncio
from contextlib import suppress

from flowmaker.store.database import Database


class News:
    """Counts the commits of a database, and wakes those who wait for the next one."""

    def __init__(self, database: Database) -> None:
        #: Commits until now.
        self.number = 0
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        database.on_commit(self._committed)

    async def after(self, number: int, seconds: float | None = None) -> int:
        """Return once there are others than `number` commits, or after so many seconds.

        Who reads `number` before he looks at the database, and asks with it afterwards, misses
        nothing.
        """
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        self._waiting.add(waiter)
        try:
            # After it was added: a commit that comes now is seen here, or wakes it.
            if self.number == number:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await waiter[1].wait()
        finally:
            self._waiting.discard(waiter)
        return self.number

    def _committed(self) -> None:
        """In the writer's thread."""
        self.number += 1
        for loop, event in tuple(self._waiting):
            with suppress(RuntimeError):  # it is closing
                loop.call_soon_threadsafe(event.set)
