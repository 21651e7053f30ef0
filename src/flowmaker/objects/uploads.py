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
