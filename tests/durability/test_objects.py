"""A server that is killed while it writes objects keeps what it has acknowledged, and no more."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.store.database import Database
from tests.durability.writing_objects import content

PROGRAM = Path(__file__).parent / "writing_objects.py"


def killed_after(folder: Path, lines: int, first: int = 0) -> dict[str, int]:
    """The seeds that were acknowledged last, by key, when the program was killed."""
    command = [sys.executable, str(PROGRAM), str(folder), str(first)]
    environment = {"PYTHONPATH": ":".join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    whole = [line.split() for line in said if line.endswith("\n")]
    return {key: int(seed) for key, seed in whole}


@pytest.mark.parametrize("lines", [1, 20, 45])
async def test_what_was_acknowledged_is_whole_after_a_kill(tmp_path: Path, lines: int) -> None:
    await check(tmp_path, killed_after(tmp_path, lines))


@pytest.mark.slow
async def test_twenty_kills_of_one_store(tmp_path: Path) -> None:
    """What was acknowledged before any of them is there after each."""
    acknowledged: dict[str, int] = {}
    for kill in range(20):
        acknowledged |= killed_after(tmp_path, 1 + 7 * kill % 45, kill * 10_000)
        await check(tmp_path, acknowledged)


async def check(tmp_path: Path, acknowledged: Mapping[str, int]) -> None:
    """Every acknowledged object is whole and right, and nothing else is there."""
    database = Database(tmp_path / "flowmaker.db")
    store = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    removed = await store.sweep()
    found = {stored.key: stored for stored in await store.walk("bucket")}
    assert acknowledged.keys() <= found.keys()
    for key, stored in found.items():
        data = store.path(stored).read_bytes()
        assert hashlib.md5(data).hexdigest() == stored.etag
        seed = int.from_bytes(data[:4], "big")
        assert data == content(seed)
        assert seed >= acknowledged.get(key, 0)

    files = [file for file in (tmp_path / "objects").rglob("*-*") if file.is_file()]
    assert {file.name for file in files} == {stored.blob for stored in found.values()}
    assert removed <= 8  # one that was being written and one replaced, of each of four writers
    store.close()
    database.close()
