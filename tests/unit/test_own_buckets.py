"""What Flowmaker reads and writes for pipelines is in the buckets of one account."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flowmaker.clock import SystemClock
from flowmaker.errors import FailedPrecondition, NotFound
from flowmaker.objects.disk import DiskObjectStore
from flowmaker.server.own_buckets import OwnBuckets
from flowmaker.store.database import Database

OURS, THEIRS = "000000000000", "111111111111"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[DiskObjectStore]:
    """The buckets `ours` and `theirs`, with the object `k` in each."""
    database = Database(tmp_path / "flowmaker.db")
    made = DiskObjectStore(tmp_path / "objects", database, SystemClock())
    for name, owner in (("ours", OURS), ("theirs", THEIRS)):
        await made.ensure_bucket(name, owner=owner, region="us-east-1")
        await made.put_file(name, "k", file(tmp_path))
    yield made
    made.close()
    database.close()


def file(folder: Path) -> Path:
    made = folder / "file"
    made.write_text("text")
    return made


async def test_ours_are_as_they_are(store: DiskObjectStore, tmp_path: Path) -> None:
    own = OwnBuckets(store, OURS)
    assert await own.bucket("ours") == await store.bucket("ours")
    stored = await own.get("ours", "k")
    assert stored is not None
    assert own.path(stored).read_text() == "text"
    assert [one.key for one in await own.walk("ours")] == ["k"]
    await own.put_file("ours", "new", file(tmp_path))
    await own.delete("ours", "k")
    assert [one.key for one in await store.walk("ours")] == ["new"]
    await own.link(await own.put_file("ours", "other", file(tmp_path)), tmp_path / "linked")
    assert (tmp_path / "linked").read_text() == "text"
    assert (await own.ensure_bucket("made", owner=OURS, region="us-east-1")).owner == OURS


async def test_theirs_are_not_there(store: DiskObjectStore, tmp_path: Path) -> None:
    own = OwnBuckets(store, OURS)
    assert await own.bucket("theirs") is None
    assert await own.get("theirs", "k") is None
    assert list(await own.walk("theirs")) == []
    with pytest.raises(NotFound):
        await own.put_file("theirs", "new", file(tmp_path))
    await own.delete("theirs", "k")
    with pytest.raises(FailedPrecondition, match="is of the account 111111111111"):
        await own.ensure_bucket("theirs", owner=OURS, region="us-east-1")
    assert [one.key for one in await store.walk("theirs")] == ["k"]
