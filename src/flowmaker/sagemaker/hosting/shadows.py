"""Shadow variants: copies of requests, which nobody waits for and whose answers go nowhere.

Contract: "Testing models with shadow variants".
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from flowmaker.sagemaker.records.hosting import Variant


class Shadows:
    """The copies that are on their way. Use it on one event loop."""

    def __init__(self) -> None:
        self._copies: set[asyncio.Task[None]] = set()

    def send(self, copy: Coroutine[Any, Any, None]) -> None:
        """Let it go on by itself."""
        task = asyncio.get_running_loop().create_task(copy)
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)

    async def close(self) -> None:
        """What is not answered yet will not be."""
        copies = list(self._copies)
        for task in copies:
            task.cancel()
        await asyncio.gather(*copies, return_exceptions=True)


def share(production: Variant, shadow: Variant) -> float:
    """Which part of the requests is copied: the shadow's weight for one of the production's."""
    return min(1.0, shadow.weight / production.weight) if production.weight else 1.0
