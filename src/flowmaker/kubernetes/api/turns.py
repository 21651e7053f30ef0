"""When a watch looks again: after something was written, and not too often."""

import asyncio
import time
from collections.abc import AsyncIterator

from flowmaker.store.news import News

#: Seconds between two looks, at least.
TICK = 0.25
#: A look takes no more than this part of a watcher's time.
SHARE = 0.1


async def turns(news: News, seconds: int) -> AsyncIterator[None]:
    """A turn at once, and one after what is written, for so many seconds; 0: for ever."""
    until = time.monotonic() + seconds if seconds else None
    while True:
        seen, begun = news.number, time.monotonic()
        yield
        pause = max(TICK, (time.monotonic() - begun) / SHARE)
        await asyncio.sleep(pause if until is None else min(pause, max(0, _left(until))))
        left = None if until is None else max(0, _left(until))
        if left == 0 or await news.after(seen, left) == seen:
            return


def _left(until: float) -> float:
    return until - time.monotonic()
