"""Who waits for which model server: bounds each queue, and tells when a server may end."""

import asyncio
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

#: Requests that a server is sent at once, and how many more may wait for their turn.
WORKING = 32
WAITING = 100


class Crowded(Exception):  # noqa: N818 - it says what is
    """The queue is full: the request is turned away at once, and may be sent again."""


@dataclass(slots=True)
class _Line:
    """The requests of one server: those that it has, those that wait."""

    open: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque[asyncio.Future[None]])
    #: By `time.monotonic`, when the last one came or went.
    used_at: float = 0.0


class Instances:
    """The lines before all servers, by a key that is a process's id. Use it on one event loop."""

    def __init__(self) -> None:
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)

    def take(self, key: str, *, working: int = WORKING) -> bool:
        """Take a place, if there is one. `leave` must follow."""
        line = self._lines[key]
        line.used_at = time.monotonic()
        if line.open >= working:
            return False
        line.open += 1
        return True

    async def wait(self, key: str, *, waiting: int = WAITING) -> None:
        """Take a place when it is one's turn. `leave` must follow.

        Raises:
            Crowded: as many wait as may.
        """
        line = self._lines[key]
        if len(line.waiting) >= waiting:
            raise Crowded
        turn = asyncio.get_running_loop().create_future()
        line.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(key)  # the turn came in the same moment
            elif turn in line.waiting:
                line.waiting.remove(turn)
            raise

    def leave(self, key: str) -> None:
        """Give the place to the next in the line."""
        line = self._lines[key]
        line.used_at = time.monotonic()
        while line.waiting:
            turn = line.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        line.open -= 1

    def open(self, key: str) -> int:
        """Requests that are on their way there or wait for it."""
        line = self._lines.get(key)
        return line.open + len(line.waiting) if line else 0

    def used_at(self, key: str) -> float:
        """By `time.monotonic`; the moment of the first question for one that was never used."""
        line = self._lines[key]
        line.used_at = line.used_at or time.monotonic()
        return line.used_at

    def forget(self, key: str) -> None:
        """It ended."""
        self._lines.pop(key, None)
