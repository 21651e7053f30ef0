"""One controller's loop: each key that was hinted is reconciled, one at a time per key.

The rules, the same for every controller:

* A key is never reconciled twice at once. A hint that comes meanwhile makes it run once more.
* After a start, every key that is still open is looked at. Recovery is this, and nothing else.
* A look that raises is repeated after a pause that doubles up to a limit; the error is logged.
* Reconciling twice does what reconciling once does: effects are idempotent.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0


class Controller(Protocol):
    """Makes what is wanted so."""

    #: The topic of hints that it listens to, e.g. `training_job`.
    topic: str

    async def open_keys(self) -> Iterable[str]:
        """The keys that may need something done: asked once, at the start."""
        ...

    async def reconcile(self, key: str) -> float | None:
        """Bring `key` one step on: load, decide, apply.

        Returns the seconds until it wants to look again without a hint, or None when it
        need not.
        """
        ...


@dataclass(slots=True)
class _Key:
    """What the loop knows of one key."""

    running: bool = False
    again: bool = False
    failures: int = 0
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Loop:
    """Runs one controller until it is closed. Use it on one event loop only."""

    controller: Controller
    #: Keys that are reconciled at the same time at most.
    width: int = 64
    _keys: dict[str, _Key] = field(default_factory=dict[str, _Key])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _slots: asyncio.Semaphore | None = None
    _closed: bool = False

    async def start(self) -> None:
        """Look at everything that is open."""
        self._slots = asyncio.Semaphore(self.width)
        for key in await self.controller.open_keys():
            self.hint(key)

    def hint(self, key: str) -> None:
        """Look at `key` soon. Before start() nothing is to do: that looks at all that is open."""
        if self._closed or self._slots is None:
            return
        state = self._keys.setdefault(key, _Key())
        if state.timer:
            state.timer.cancel()
            state.timer = None
        if state.running:
            state.again = True
            return
        state.running = True
        task = asyncio.get_running_loop().create_task(self._run(key, state))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Start nothing more, and let what runs reach its end or be cancelled."""
        self._closed = True
        for state in self._keys.values():
            if state.timer:
                state.timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, key: str, state: _Key) -> None:
        assert self._slots is not None, "hint() lets nothing begin before start()"
        async with self._slots:
            state.again = True
            pause: float | None = None
            while state.again and not self._closed:
                state.again = False
                pause = await self._look(key, state)
        state.running = False
        if self._closed:
            return
        if pause is None:
            del self._keys[key]
        else:
            loop = asyncio.get_running_loop()
            state.timer = loop.call_later(pause, self.hint, key)

    async def _look(self, key: str, state: _Key) -> float | None:
        try:
            pause = await self.controller.reconcile(key)
        except Exception:
            pause = min(FIRST_PAUSE * 2**state.failures, LONGEST_PAUSE)
            state.failures += 1
            logger.exception("%s %s: looking again in %.1f s", self.controller.topic, key, pause)
        else:
            state.failures = 0
        return pause
