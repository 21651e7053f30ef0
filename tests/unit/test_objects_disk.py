"""What the disk store promises to the S3 service beside what every object store does."""

import asyncio
import gc
import os
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.errors import FailedPrecondition
from flowmaker.objects.blobs import Descriptor, Finished
from flowmaker.objects.disk import SMALL, DiskObjectStore
from flowmaker.objects.index import entries
from flowmaker.objects.objects import StoredObject
from flowmaker.objects.streams import PIECE, FileStream
from flowmaker.objects.uploads import Expectation
from flowmaker.store.database import Database


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DiskObjectStore]:
    database = Database(tmp_path / "flowmaker.db")
    opened = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    await opened.ensure_bucket("bucket", owner="0", region="us-east-1")
    yield opened
    opened.close()
    database.close()


async def pieces(*contents: bytes) -> AsyncIterator[bytes]:
    for content in contents:
        yield content


async def put(
    store: DiskObjectStore,
    key: str,
    body: AsyncIterator[bytes],
    expected: Expectation | None = None,
) -> StoredObject:
    made: list[StoredObject] = []

    def write(finished: Finished) -> list[str]:
        stored = StoredObject(
            bucket="bucket",
            key=key,
            size=finished.size,
            etag=finished.md5,
            blob=finished.blob,
            modified_at=store.clock.now(),
        )
        made.append(stored)
        return store.database.write_now(entries.put, stored, expected).unused

    await store.receive(body, write)
    return made[0]


def files(store: DiskObjectStore) -> set[str]:
    return {file.name for file in store.blobs.root.rglob("*-*") if file.is_file()}


async def test_memory_does_not_grow_with_the_object(store: DiskObjectStore) -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(512):
            yield os.urandom(PIECE // 8)

    tracemalloc.start()
    stored = await put(store, "key", body())
    _, file = await store.open("bucket", "key")
    size = 0
    async for piece in FileStream(file, 0, stored.size, store.threads):
        size += len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size == stored.size == 64 * PIECE
    assert peak < 8 * PIECE


async def test_a_body_that_breaks_off_leaves_nothing(store: DiskObjectStore) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"x" * 3 * PIECE
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await put(store, "key", body())
    await store.run(lambda: None)  # after the removal that was begun before it
    assert await store.get("bucket", "key") is None
    await asyncio.to_thread(store.threads.shutdown)
    assert files(store) == set()


async def test_a_write_that_is_refused_leaves_nothing(store: DiskObjectStore) -> None:
    first = await put(store, "key", pieces(b"first"))
    with pytest.raises(FailedPrecondition):
        await put(store, "key", pieces(b"second"), Expectation(absent=True))
    assert files(store) == {first.blob}


async def test_of_many_who_want_to_be_first_one_is(store: DiskObjectStore) -> None:
    expected = Expectation(absent=True)
    results = await asyncio.gather(
        *(put(store, "key", pieces(bytes([number])), expected) for number in range(8)),
        return_exceptions=True,
    )
    made = [one for one in results if isinstance(one, StoredObject)]
    assert len(made) == 1
    assert await store.get("bucket", "key") == made[0]
    assert files(store) == {made[0].blob}


async def test_a_stream_that_nobody_reads_closes_its_file(store: DiskObjectStore) -> None:
    stored = await put(store, "key", pieces(b"x" * 2 * PIECE))
    file = store.blobs.open(stored.blob)
    number = file.number
    stream = FileStream(file, 0, stored.size, store.threads)
    del file, stream
    gc.collect()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


async def test_a_stream_of_a_range(store: DiskObjectStore) -> None:
    content = os.urandom(3 * PIECE)
    await put(store, "key", pieces(content))
    _, file = await store.open("bucket", "key")
    found = [piece async for piece in FileStream(file, 5, 2 * PIECE, store.threads)]
    assert b"".join(found) == content[5 : 5 + 2 * PIECE]


async def test_the_sweep_removes_what_a_crash_left_and_nothing_else(tmp_path: Path) -> None:
    database = Database(tmp_path / "flowmaker.db")
    before = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    await before.ensure_bucket("bucket", owner="0", region="us-east-1")
    kept = await put(before, "key", pieces(b"kept"))
    orphan = before.blobs.create()
    orphan.write([b"orphan"])
    orphan.finish()
    written = before.blobs.path(orphan.blob).stat().st_ctime_ns
    while before.blobs.now() <= written:
        pass  # the filesystem's clock ticks in milliseconds
    before.close()

    after = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    arriving = after.blobs.create()
    arriving.write([b"arriving"])
    assert await after.sweep() == 1
    assert files(after) == {kept.blob, arriving.blob}
    arriving.finish()
    after.close()
    database.close()


async def test_an_old_file_that_is_being_taken_is_no_orphan(tmp_path: Path) -> None:
    database = Database(tmp_path / "flowmaker.db")
    old = tmp_path / "old"
    old.write_bytes(b"old")
    os.utime(old, (1, 1))
    store = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    taken = store.blobs.take(old)
    assert await store.sweep() == 0
    assert store.blobs.path(taken.blob).read_bytes() == b"old"
    store.close()
    database.close()


async def test_what_is_remembered_of_a_bucket_is_what_it_is(store: DiskObjectStore) -> None:
    await store.bucket("bucket")
    await store.configure("bucket", "policy", "text")
    bucket = await store.bucket("bucket")
    assert bucket
    assert bucket.configurations == {"policy": "text"}
    await store.delete_bucket("bucket")
    assert await store.bucket("bucket") is None


async def test_what_is_looked_up_comes_with_its_bytes(store: DiskObjectStore) -> None:
    assert await store.look("bucket", "absent") is None
    await put(store, "small", pieces(b"hello"))
    small = await store.look("bucket", "small")
    assert small is not None
    assert (small.stored.size, small.content) == (5, b"hello")
    await put(store, "large", pieces(b"x" * (SMALL + 1)))
    large = await store.look("bucket", "large")
    assert large is not None
    assert large.content is None
    assert large.file is not None
    assert large.file.read(SMALL, 10) == b"x"


async def test_what_is_replaced_while_it_is_looked_up_is_the_new_one(
    store: DiskObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(store, "key", pieces(b"old"))
    opened = store.blobs.open
    refused: list[str] = []

    def gone_once(blob: str) -> Descriptor:
        if not refused:
            refused.append(blob)
            raise FileNotFoundError(blob)
        return opened(blob)

    monkeypatch.setattr(store.blobs, "open", gone_once)
    found = await store.look("bucket", "key")
    assert found is not None
    assert found.file is not None
    assert found.file.read(0, 10) == b"old"
