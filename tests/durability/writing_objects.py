"""Puts objects in a loop, replacing some, and says which it was told are kept. To be killed.

`python writing_objects.py FOLDER [FIRST]`: lines `KEY SEED` on the standard output.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from flowmaker.clock import SystemClock
from flowmaker.objects.blobs import Finished
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.objects.index import entries
from flowmaker.objects.objects import StoredObject
from flowmaker.store.database import Database


def content(seed: int) -> bytes:
    """What is written under a seed: sizes around and beyond one piece."""
    return seed.to_bytes(4, "big") * (1 + seed * 7919 % 400_000)


async def body(seed: int) -> AsyncIterator[bytes]:
    whole = content(seed)
    for start in range(0, len(whole), 300_000):
        yield whole[start : start + 300_000]
        await asyncio.sleep(0)


async def put(store: DiskObjectStore, worker: int, seed: int) -> None:
    key = f"{worker}/{seed % 3}"

    def write(finished: Finished) -> list[str]:
        stored = StoredObject(
            bucket="bucket",
            key=key,
            size=finished.size,
            etag=finished.md5,
            blob=finished.blob,
            modified_at=SystemClock().now(),
        )
        return store.database.write_now(entries.put, stored).unused

    await store.receive(body(seed), write)
    print(key, seed, flush=True)


async def main(folder: Path, first: int) -> None:
    store = DiskObjectStore(folder / "objects", Database(folder / "flowmaker.db"), SystemClock())
    await store.ensure_bucket("bucket", owner="0", region="us-east-1")

    async def work(worker: int) -> None:
        for number in range(first, first + 10_000):
            await put(store, worker, number * 4 + worker)

    await asyncio.gather(*(work(worker) for worker in range(4)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
