"""What the S3 service needs of the store beside whole objects: uploads in parts, and pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flowmaker.errors import NotFound
from flowmaker.objects.objects import StoredObject


class NoBucket(NotFound):
    """There is no such bucket."""


class NoUpload(NotFound):
    """There is no such upload: it was completed or aborted, or never begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A multipart upload that was neither completed nor aborted."""

    bucket: str
    key: str
    upload_id: str
    #: The ARN of whoever began it.
    initiator: str
    started_at: datetime
    content_type: str = "binary/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    #: `CRC32`, …
    checksum_algorithm: str = ""
    #: `COMPOSITE` or `FULL_OBJECT`.
    checksum_type: str = ""
    #: Whether the client asked for that checksum; else parts may come with others.
    checksum_asked: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One part that was uploaded."""

    upload_id: str
    number: int
    size: int
    etag: str
    blob: str
    modified_at: datetime
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What must be true of a key at the moment that it is written (If-None-Match, If-Match)."""

    absent: bool = False
    #: The ETag that it must have, without quotes.
    etag: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What became of a write."""

    #: Blobs that nobody needs now.
    unused: list[str]
    #: What the new version is called; empty where the bucket has never kept versions.
    version_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """What is to be deleted: a key, or one version of it."""

    key: str
    #: Empty for the key itself: where versions are kept, a marker takes its place.
    version_id: str = ""
    expected: Expectation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Deleted:
    """What became of a deletion."""

    key: str
    #: The version that is gone, or the marker that was made; empty without versions.
    version_id: str = ""
    #: Whether that was, or is, a delete marker.
    marker: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """A version that says that there is no object."""

    key: str
    version_id: str
    modified_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionPageRequest:
    """Which part of the list of versions is wanted."""

    prefix: str = ""
    delimiter: str = ""
    #: Keys beyond this one, and beyond all that it is rolled up into.
    after: str = ""
    #: And the versions of the key `after` itself that are older than this one.
    after_version: str = ""
    limit: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """One entry of a list of versions."""

    of: StoredObject | Marker
    latest: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionPage:
    """A part of the list of versions: of each key the newest first."""

    versions: tuple[Version, ...] = ()
    prefixes: tuple[str, ...] = ()
    #: Empty when this was the last page; else the markers of the next.
    following: str = ""
    following_version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PageRequest:
    """Which part of a listing is wanted."""

    prefix: str = ""
    delimiter: str = ""
    #: Keys beyond this one, and beyond all that it is rolled up into.
    after: str = ""
    limit: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A part of a listing: objects and common prefixes, each in order."""

    objects: tuple[StoredObject, ...] = ()
    prefixes: tuple[str, ...] = ()
    #: Empty when this was the last page; else the `after` of the next.
    following: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadPageRequest:
    """Which part of the list of uploads is wanted."""

    prefix: str = ""
    delimiter: str = ""
    #: Uploads of keys beyond this one, and beyond all that it is rolled up into.
    after: str = ""
    #: And those of the key `after` itself that are beyond this one.
    after_id: str | None = None
    limit: int = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class UploadPage:
    """A part of the list of uploads."""

    uploads: tuple[Upload, ...] = ()
    prefixes: tuple[str, ...] = ()
    #: Empty when this was the last page; else the markers of the next.
    following: str = ""
    following_id: str = ""
