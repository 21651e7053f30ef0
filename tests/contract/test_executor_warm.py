"""Warm interpreters are bounded in number and end when nobody needs them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.executors import warm
from flowmaker.executors.warm import BARE, Warmth, Zygotes


@pytest.fixture
async def zygotes(tmp_path: Path) -> AsyncIterator[Zygotes]:
    started = Zygotes(tmp_path / "home", {"PATH": "/usr/bin:/bin"})
    yield started
    started.close()


async def launch(zygotes: Zygotes, warmth: Warmth, folder: Path) -> None:
    # There is no spec in it: the supervisor gives up, which is all the same to the zygote.
    await zygotes.launch(warmth, folder)


async def test_at_most_so_many(zygotes: Zygotes, tmp_path: Path) -> None:
    await launch(zygotes, BARE, tmp_path)
    for number in range(warm._MOST_ENVIRONMENTS + 2):
        await launch(zygotes, Warmth(preload=(f"module{number}",), site=False), tmp_path)
    names = [w.preload for w in zygotes._warm]
    assert len(names) == warm._MOST_ENVIRONMENTS + 1
    assert () in names, "the bare one stays"
    assert ("module0",) not in names, "the one that was not used for longest went"


async def test_the_idle_end(zygotes: Zygotes, tmp_path: Path) -> None:
    other = Warmth(preload=("module",), site=False)
    await launch(zygotes, BARE, tmp_path)
    await launch(zygotes, other, tmp_path)
    process = zygotes._warm[other]._process
    assert process is not None
    zygotes.end_idle()
    assert other in zygotes._warm
    zygotes._warm[other].used_at -= 3600
    zygotes._warm[BARE].used_at -= 3600
    zygotes.end_idle()
    assert list(zygotes._warm) == [BARE]
    assert await asyncio.to_thread(process.wait, 10) is not None
