"""The object store on this machine: bytes in a folder, the index in the database.

The order of a write is the whole of its safety: bytes on the disk, then the row (one transaction,
which is what makes the object visible), then the bytes that the row no longer names are removed.
A crash between any two leaves a file without a row, and the sweep at the next start removes it.
"""

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from flowmaker import ids
from flowmaker.clock import Clock
from flowmaker.errors import NotFound
from flowmaker.objects.blobs import FOLDERS, Blobs, Descriptor, Finished, NewBlob, link
from flowmaker.objects.index import buckets, deletions, entries, listing, versions
from flowmaker.objects.objects import Bucket, StoredObject
from flowmaker.objects.streams import Digest, absorb, receive
from flowmaker.objects.uploads import Deleted, Deletion, Marker, NoBucket, Written
from flowmaker.store.database import Database, Transaction

P = ParamSpec("P")
T = TypeVar("T")

#: Most of them wait for a disk or for their turn to write the index.
THREADS = 16
#: A reader may find the file of an object gone that was replaced since its row was read.
ATTEMPTS = 5


#: An object of no more bytes is read when it is looked up.
SMALL = 64 << 10


@dataclass(frozen=True, slots=True)
class Opened:
    """An object and its bytes, which stay readable whatever becomes of the object."""

    stored: StoredObject
    file: Descriptor | None = None
    #: All of them, if they are few.
    content: bytes | None = None


class DiskObjectStore:
    """Buckets and objects in a folder. One process at a time may have it open."""

    def __init__(self, root: Path, database: Database, clock: Clock) -> None:
        self.blobs = Blobs(root)
        self._started = self.blobs.now()
        self._remembered: dict[str, Bucket] = {}
        self._changes = 0
        self.database = database
        self.clock = clock
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="objects")

    async def bucket(self, name: str) -> Bucket | None:
        """The bucket. Every request asks for one, and they change seldom: it is remembered."""
        found = self._remembered.get(name)
        if found is None:
            changes = self._changes
            found = await self.database.read(buckets.get, name)
            if found is not None and changes == self._changes:
                self._remembered[name] = found
        return found

    async def ensure_bucket(self, name: str, *, owner: str, region: str) -> Bucket:
        made = Bucket(name=name, owner=owner, region=region, created_at=self.clock.now())
        return (await self.create_bucket(made)).bucket

    async def create_bucket(self, bucket: Bucket) -> buckets.Made:
        """The bucket of that name, made when there is none."""
        return await self.database.write(buckets.ensure, bucket)

    async def configure(self, name: str, configuration: str, text: str | None) -> None:
        """Set one configuration of a bucket, or take it away.

        Raises:
            NoBucket: there is no such bucket.
        """
        try:
            await self.database.write(buckets.configure, name, configuration, text)
        finally:
            self._forget(name)

    async def delete_bucket(self, name: str) -> None:
        """Delete an empty bucket, and the uploads to it that were not completed.

        Raises:
            NoBucket: there is no such bucket.
            FailedPrecondition: there are objects in it.
        """
        try:
            unused = await self.database.write(buckets.remove, name)
        finally:
            self._forget(name)
        await self.discard(unused)

    async def get(self, bucket: str, key: str) -> StoredObject | None:
        return await self.database.read(entries.get, bucket, key)

    async def walk(self, bucket: str, prefix: str = "") -> Sequence[StoredObject]:
        """Every object whose key starts with `prefix`, without the parts it was uploaded in."""
        return await self.database.read(listing.walk, bucket, prefix)

    async def put_file(
        self, bucket: str, key: str, file: Path, *, content_type: str = ""
    ) -> StoredObject:
        """Take `file` over as the object: moved, not copied, when it is on the same filesystem.

        Raises:
            NoBucket: there is no such bucket; `file` is still there.
        """
        if await self.bucket(bucket) is None:
            raise NoBucket(f"There is no bucket {bucket}")

        def take() -> StoredObject:
            stored = _whole(bucket, key, self.blobs.take(file), content_type, self.clock)
            written: list[Written] = []

            def write() -> list[str]:
                written.append(self.database.write_now(entries.put, stored))
                return written[0].unused

            self._commit(stored.blob, write)
            file.unlink()
            return replace(stored, version_id=written[0].version_id or versions.NULL)

        return await self.run(take)

    async def delete(self, bucket: str, key: str) -> None:
        await self.remove(bucket, [Deletion(key=key)])

    async def remove(self, bucket: str, wanted: Sequence[Deletion]) -> list[Deleted]:
        """Delete objects, or versions of them; what became of each.

        Raises:
            NoBucket: there is no such bucket.
            NotFound, FailedPrecondition: a key is not as expected; nothing is deleted then.
        """
        now = self.clock.now()
        done, unused = await self.database.write(deletions.remove, bucket, wanted, now)
        await self.discard(unused)
        return done

    def path(self, stored: StoredObject) -> Path:
        return self.blobs.path(stored.blob)

    async def link(self, stored: StoredObject, target: Path) -> None:
        """Make `target` a file with its bytes, read-only: linked, copied where it must be.

        Raises:
            NotFound: the object was deleted or replaced meanwhile.
        """
        source = self.blobs.path(stored.blob)
        try:
            await self.run(link, source, target)
        except FileNotFoundError:
            if await self.run(source.exists):
                raise
            message = f"The object {stored.key} in the bucket {stored.bucket} was deleted meanwhile"
            raise NotFound(message) from None

    async def get_version(
        self, bucket: str, key: str, version_id: str
    ) -> StoredObject | Marker | None:
        return await self.database.read(entries.get_version, bucket, key, version_id)

    async def marker(self, bucket: str, key: str) -> Marker | None:
        """The delete marker that is the newest version of the key."""
        return await self.database.read(entries.marker, bucket, key)

    async def open(
        self, bucket: str, key: str, version_id: str = ""
    ) -> tuple[StoredObject, Descriptor]:
        """The object and its bytes, which stay readable whatever becomes of the object.

        Raises:
            NotFound: there is no such object, or no such version of it.
        """
        for _ in range(ATTEMPTS):
            stored = (
                await self.get_version(bucket, key, version_id)
                if version_id
                else await self.get(bucket, key)
            )
            if stored is None or isinstance(stored, Marker):
                break
            with suppress(FileNotFoundError):
                return stored, await self.run(self.blobs.open, stored.blob)
        raise NotFound(f"There is no object {key} in the bucket {bucket}")

    async def look(self, bucket: str, key: str) -> Opened | None:
        """The object and its bytes, in one go; nothing when there is none."""
        found = await self.database.read(_look, self.blobs, bucket, key)
        if found is None or found.file is not None:
            return found
        with suppress(NotFound):  # it was replaced just now
            stored, file = await self.open(bucket, key)
            return Opened(stored, file)
        return None

    async def receive(
        self,
        body: AsyncIterable[bytes],
        write: Callable[[Finished], list[str]],
        digests: tuple[Digest, ...] = (),
    ) -> Finished:
        """Make a blob of `body`. `write`, in a thread, makes it visible by writing its row.

        `write` returns the blobs that nobody needs any more. When it raises, or the body does,
        nothing remains.
        """
        blob = self.blobs.create()
        try:
            rest = await receive(body, blob, self.threads, digests)
        except BaseException:
            self.threads.submit(blob.discard)
            raise
        finishing = self.threads.submit(self._finish, blob, (rest, digests), write)
        try:
            return await asyncio.wrap_future(finishing)
        except asyncio.CancelledError:
            if finishing.cancelled():  # else it is under way, and ends as it must
                self.threads.submit(blob.discard)
            raise

    async def duplicate(self, source: StoredObject, write: Callable[[str], list[str]]) -> None:
        """Make a second blob of the same bytes, none of which is copied; else like `receive`.

        Raises:
            NotFound: the source was deleted meanwhile.
        """

        def run() -> None:
            try:
                blob = self.blobs.duplicate(source.blob)
            except FileNotFoundError:
                message = f"The object {source.key} was deleted meanwhile"
                raise NotFound(message) from None
            self._commit(blob, lambda: write(blob))

        await self.run(run)

    async def compose(
        self, fill: Callable[[NewBlob], None], write: Callable[[Finished], list[str]]
    ) -> Finished:
        """Make a blob of what `fill` writes, in a thread; else like `receive`."""

        def run() -> Finished:
            blob = self.blobs.create()
            try:
                fill(blob)
            except BaseException:
                blob.discard()
                raise
            return self._finish(blob, ([], ()), write)

        return await self.run(run)

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function that blocks returns, run in one of the store's threads."""
        return await asyncio.wrap_future(self.threads.submit(function, *args, **kwargs))

    async def discard(self, blobs: Sequence[str]) -> None:
        """Remove blobs that no row names any more."""
        if blobs:
            await self.run(self.blobs.remove, blobs)

    async def sweep(self) -> int:
        """Remove what a crash left behind; how many files that was.

        Only files older than this store are looked at: younger ones may be about to get a row.
        """
        removed = 0
        for number in range(FOLDERS):
            found = await self.run(self.blobs.older_than, self._started, number)
            orphans = await self.database.read(entries.unknown, found) if found else []
            await self.discard(orphans)
            removed += len(orphans)
        return removed

    def close(self) -> None:
        """Finish what was begun. Close it before its database."""
        self.threads.shutdown()

    def _forget(self, name: str) -> None:
        """A bucket changed: what is remembered of it, or being read just now, may be old."""
        self._changes += 1
        self._remembered.pop(name, None)

    def _finish(
        self,
        blob: NewBlob,
        rest: tuple[list[bytes], tuple[Digest, ...]],
        write: Callable[[Finished], list[str]],
    ) -> Finished:
        """Write the last bytes of a blob, flush it, and make it visible; in a thread."""
        try:
            absorb(blob, *rest)
            finished = blob.finish()
        except BaseException:
            blob.discard()
            raise
        self._commit(blob.blob, lambda: write(finished))
        return finished

    def _commit(self, blob: str, write: Callable[[], list[str]]) -> None:
        """Write the row of a blob, then remove what it replaced; without a row the blob goes."""
        try:
            unused = write()
        except BaseException:
            self.blobs.remove([blob])
            raise
        self.blobs.remove(unused)


def _look(tx: Transaction, blobs: Blobs, bucket: str, key: str) -> Opened | None:
    """The file is missing when the object was replaced after this snapshot was begun."""
    stored = entries.get(tx, bucket, key)
    if stored is None:
        return None
    try:
        file = blobs.open(stored.blob)
    except FileNotFoundError:
        return Opened(stored)
    small = file.read(0, stored.size) if stored.size <= SMALL else None
    return Opened(stored, file, small)


def _whole(
    bucket: str, key: str, finished: Finished, content_type: str, clock: Clock
) -> StoredObject:
    stored = StoredObject(
        bucket=bucket,
        key=key,
        size=finished.size,
        etag=finished.md5,
        blob=finished.blob,
        modified_at=clock.now(),
        version_id=ids.token(32),
    )
    return replace(stored, content_type=content_type) if content_type else stored
