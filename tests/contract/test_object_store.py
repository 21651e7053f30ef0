"""What every object store promises to pipelines and jobs."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.errors import NotFound
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.objects.objects import ObjectStore
from flowmaker.store.database import Database


@pytest.fixture(params=["disk"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    database = Database(tmp_path / "flowmaker.db")
    opened = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    await opened.ensure_bucket("bucket", owner="000000000000", region="us-east-1")
    yield opened
    opened.close()
    database.close()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


async def put(store: ObjectStore, work: Path, key: str, content: bytes) -> None:
    file = work / "file"
    file.write_bytes(content)
    await store.put_file("bucket", key, file)


async def test_a_bucket_is_made_once_and_stays_whose_it_is(store: ObjectStore) -> None:
    again = await store.ensure_bucket("bucket", owner="111111111111", region="eu-west-1")
    assert (again.owner, again.region) == ("000000000000", "us-east-1")
    assert await store.bucket("bucket") == again
    assert await store.bucket("other") is None


async def test_a_file_that_was_put_is_the_object_and_gone_from_where_it_was(
    store: ObjectStore, work: Path
) -> None:
    file = work / "model.tar.gz"
    file.write_bytes(b"hello")
    stored = await store.put_file("bucket", "a/model.tar.gz", file, content_type="text/plain")
    assert not file.exists()
    assert stored == await store.get("bucket", "a/model.tar.gz")
    assert (stored.size, stored.etag) == (5, "5d41402abc4b2a76b9719d911017c592")
    assert stored.content_type == "text/plain"
    assert store.path(stored).read_bytes() == b"hello"


async def test_a_file_is_left_alone_when_there_is_no_such_bucket(
    store: ObjectStore, work: Path
) -> None:
    file = work / "file"
    file.write_bytes(b"hello")
    with pytest.raises(NotFound, match="nowhere"):
        await store.put_file("nowhere", "key", file)
    assert file.read_bytes() == b"hello"


async def test_a_symbolic_link_is_put_as_what_it_points_to(store: ObjectStore, work: Path) -> None:
    (work / "real").write_bytes(b"real")
    (work / "link").symlink_to("real")
    stored = await store.put_file("bucket", "key", work / "link")
    assert store.path(stored).read_bytes() == b"real"
    assert not (work / "link").is_symlink()


async def test_whoever_reads_a_replaced_object_reads_it_to_its_end(
    store: ObjectStore, work: Path
) -> None:
    await put(store, work, "key", b"old")
    old = await store.get("bucket", "key")
    assert old
    with store.path(old).open("rb") as opened:
        await put(store, work, "key", b"new")
        assert opened.read() == b"old"
    new = await store.get("bucket", "key")
    assert new
    assert store.path(new).read_bytes() == b"new"
    assert not store.path(old).exists()


async def test_a_linked_file_is_read_only_and_stays_when_the_object_goes(
    store: ObjectStore, work: Path
) -> None:
    await put(store, work, "key", b"content")
    stored = await store.get("bucket", "key")
    assert stored
    await store.link(stored, work / "input")
    await store.delete("bucket", "key")
    assert (work / "input").read_bytes() == b"content"
    assert (work / "input").stat().st_mode & 0o777 == 0o444
    with pytest.raises(NotFound, match="key"):
        await store.link(stored, work / "again")


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(
    store: ObjectStore, work: Path
) -> None:
    await put(store, work, "key", b"content")
    await store.delete("bucket", "key")
    await store.delete("bucket", "key")
    assert await store.get("bucket", "key") is None


KEYS = [
    "a",
    "a b",
    "a/",
    "a/b",
    "a/b/c",
    "a0",
    "é",
    "￿",
    "😀",
    "../../etc/passwd",
    "%41",
    "k" * 1024,
]


async def test_keys_of_any_kind_are_walked_in_the_order_of_their_bytes(
    store: ObjectStore, work: Path
) -> None:
    for key in KEYS:
        await put(store, work, key, key.encode())
    walked = await store.walk("bucket")
    assert [stored.key for stored in walked] == sorted(KEYS, key=str.encode)
    assert [stored.key for stored in await store.walk("bucket", "a/")] == ["a/", "a/b", "a/b/c"]
    assert all(store.path(stored).read_bytes() == stored.key.encode() for stored in walked)


async def test_of_concurrent_writers_of_a_key_one_wins_whole(
    store: ObjectStore, work: Path, tmp_path: Path
) -> None:
    contents = [bytes([number]) * 100_000 for number in range(8)]
    files = [work / str(number) for number in range(8)]
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)
    await asyncio.gather(*(store.put_file("bucket", "key", file) for file in files))
    stored = await store.get("bucket", "key")
    assert stored
    assert store.path(stored).read_bytes() in contents
    assert sum(1 for found in (tmp_path / "objects").rglob("*-*") if found.is_file()) == 1
