"""The control loop keeps its rules."""

import asyncio
from collections.abc import Iterable

from flowmaker.reconcile.loop import Loop


class Recording:
    """A controller that records its looks and can be made to wait or fail."""

    topic = "thing"

    def __init__(self, *, failures: int = 0) -> None:
        self.looks: list[str] = []
        self.failures = failures
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def open_keys(self) -> Iterable[str]:
        return ["open"]

    async def reconcile(self, key: str) -> float | None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.looks.append(key)
        await self.gate.wait()
        self.at_once -= 1
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not yet")
        return None


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_what_is_open_is_looked_at_at_the_start() -> None:
    controller = Recording()
    loop = Loop(controller)
    await loop.start()
    await settle()
    assert controller.looks == ["open"]
    await loop.close()


async def test_hints_during_a_look_make_one_more_look_and_never_two_at_once() -> None:
    controller = Recording()
    loop = Loop(controller)
    controller.gate.clear()
    await loop.start()
    await settle()
    for _ in range(5):
        loop.hint("open")
    await settle()
    controller.gate.set()
    await settle()
    assert controller.looks == ["open", "open"]
    assert controller.most_at_once == 1
    await loop.close()


async def test_a_look_that_raises_is_repeated() -> None:
    controller = Recording(failures=1)
    loop = Loop(controller)
    await loop.start()
    await settle()
    loop.hint("open")  # what the timer would do, without waiting for it
    await settle()
    assert controller.looks == ["open", "open"]
    await loop.close()


async def test_a_word_before_the_start_is_not_lost_and_holds_nothing_up() -> None:
    controller = Recording()
    loop = Loop(controller)
    loop.hint("open")
    await settle()
    assert controller.looks == []
    await loop.start()
    await settle()
    assert controller.looks == ["open"]
    await loop.close()
