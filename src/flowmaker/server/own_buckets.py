"""The object store of pipelines: the buckets of one account, as if there were no others.

What Flowmaker itself reads and writes for a pipeline (its artifacts) is asked of nobody's policies.
So it must not reach what is another account's. A task's own program may, with keys that may.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowmaker.errors import FailedPrecondition, NotFound
from flowmaker.objects.objects import Bucket, ObjectStore, StoredObject


@dataclass(frozen=True, slots=True)
class OwnBuckets:
    """Implements `flowmaker.objects.objects.ObjectStore` over another one."""

    store: ObjectStore
    account: str

    async def bucket(self, name: str) -> Bucket | None:
        found = await self.store.bucket(name)
        return found if found is not None and found.owner == self.account else None

    async def ensure_bucket(self, name: str, *, owner: str, region: str) -> Bucket:
        """The bucket, made when there is none.

        Raises:
            FailedPrecondition: another account has it, as names of buckets are everybody's.
        """
        found = await self.store.ensure_bucket(name, owner=owner, region=region)
        if found.owner != self.account:
            raise FailedPrecondition(
                f"The bucket {name} is of the account {found.owner}, and pipelines are of "
                f"{self.account}: give the run another pipeline root"
            )
        return found

    async def get(self, bucket: str, key: str) -> StoredObject | None:
        return await self.store.get(bucket, key) if await self.bucket(bucket) else None

    async def walk(self, bucket: str, prefix: str = "") -> Sequence[StoredObject]:
        return await self.store.walk(bucket, prefix) if await self.bucket(bucket) else ()

    async def put_file(
        self, bucket: str, key: str, file: Path, *, content_type: str = ""
    ) -> StoredObject:
        if await self.bucket(bucket) is None:
            raise NotFound(f"There is no bucket {bucket}")
        return await self.store.put_file(bucket, key, file, content_type=content_type)

    async def delete(self, bucket: str, key: str) -> None:
        if await self.bucket(bucket) is not None:
            await self.store.delete(bucket, key)

    def path(self, stored: StoredObject) -> Path:
        return self.store.path(stored)

    async def link(self, stored: StoredObject, target: Path) -> None:
        await self.store.link(stored, target)
