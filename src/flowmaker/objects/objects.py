"""The seam of the object store: buckets, and whole objects in them.

An object's bytes are one immutable file; its row in the index makes it visible. A new object
under the same key is a new file: whoever reads the old one reads it to its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Bucket:
    """A bucket and whose it is."""

    name: str
    owner: str
    region: str
    created_at: datetime
    #: Configurations by name (`policy`, `tagging`, …) as the client sent them.
    configurations: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One part of an object that was uploaded in parts."""

    number: int
    size: int
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One object as the index knows it."""

    bucket: str
    key: str
    size: int
    #: As S3 gives it, without the quotes: MD5, or `MD5-of-MD5s-N` of a multipart upload.
    etag: str
    #: Names the file of its bytes; `ObjectStore.path` turns it into a path.
    blob: str
    modified_at: datetime
    content_type: str = "binary/octet-stream"
    #: Content-Encoding, StorageClass and the like, by S3's parameter name (`ContentEncoding`).
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    #: `x-amz-meta-*`, without the prefix.
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Checksums by S3's member name (`ChecksumCRC32`), in base64.
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The parts it was uploaded in; none when it came in one go.
    parts: tuple[Piece, ...] = ()
    #: What it is called among the versions of its key. Of one that is to be put: what it will be
    #: called if its bucket keeps versions.
    version_id: str = "null"


class ObjectStore(Protocol):
    """What pipelines and jobs need of the object store. The S3 service needs more, and has it."""

    async def bucket(self, name: str) -> Bucket | None: ...

    async def ensure_bucket(self, name: str, *, owner: str, region: str) -> Bucket:
        """The bucket, made when there is none."""
        ...

    async def get(self, bucket: str, key: str) -> StoredObject | None: ...

    async def walk(self, bucket: str, prefix: str = "") -> Sequence[StoredObject]:
        """Every object whose key starts with `prefix`, in the order of their keys."""
        ...

    async def put_file(
        self, bucket: str, key: str, file: Path, *, content_type: str = ""
    ) -> StoredObject:
        """Take `file` over as the object: moved, not copied, when it is on the same filesystem.

        `file` is gone afterwards. Durable when it returns.

        Raises:
            NotFound: there is no such bucket.
        """
        ...

    async def delete(self, bucket: str, key: str) -> None:
        """Nothing when there is none."""
        ...

    def path(self, stored: StoredObject) -> Path:
        """The file with its bytes; read it, link it, never write it."""
        ...

    async def link(self, stored: StoredObject, target: Path) -> None:
        """Make `target` a file with its bytes, read-only: linked, copied where it must be."""
        ...
