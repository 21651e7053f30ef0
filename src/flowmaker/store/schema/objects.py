"""Tables of flowmaker.objects.

Keys are compared as the bytes of their UTF-8, which is the order that S3 lists them in, and the
primary keys are in that order: a page of a listing is one range of the index.
"""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Table, Text
from sqlalchemy.types import TypeEngine

from flowmaker.store.schema.metadata import Timestamp, metadata


def _key() -> TypeEngine[str]:
    """SQLite compares text as bytes unless told otherwise; PostgreSQL only when told so."""
    return Text().with_variant(Text(collation="C"), "postgresql")


buckets = Table(
    "s3_buckets",
    metadata,
    Column("name", _key(), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("configurations", JSON, nullable=False),
)

objects = Table(
    "s3_objects",
    metadata,
    Column("bucket", _key(), ForeignKey("s3_buckets.name"), primary_key=True),
    Column("key", _key(), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("etag", Text, nullable=False),
    Column("blob", Text, nullable=False),
    Column("modified_at", Timestamp, nullable=False),
    # What a listing does not show: content type, headers, metadata, tags.
    Column("document", JSON, nullable=False),
    # The parts it was uploaded in, up to 10,000: kept apart so that it is read only when asked for.
    Column("parts", JSON),
    # `null` in a bucket without versions.
    Column("version_id", Text, nullable=False, server_default="null"),
    # The sweep at the start asks of every file whether it belongs to an object.
    Index("s3_objects_by_blob", "blob"),
    sqlite_with_rowid=False,
)

#: What an object was before, and delete markers. Of a key the one with the largest sequence is the
#: newest; where there is an object of the key, that is newer still.
versions = Table(
    "s3_versions",
    metadata,
    Column("bucket", _key(), ForeignKey("s3_buckets.name"), primary_key=True),
    Column("key", _key(), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("version_id", Text, nullable=False),
    Column("is_marker", Boolean, nullable=False),
    # The rest is as of an object; of a marker empty.
    Column("size", Integer, nullable=False),
    Column("etag", Text, nullable=False),
    Column("blob", Text, nullable=False),
    Column("modified_at", Timestamp, nullable=False),
    Column("document", JSON, nullable=False),
    Column("parts", JSON),
    Index("s3_versions_by_blob", "blob"),
    sqlite_with_rowid=False,
)

uploads = Table(
    "s3_uploads",
    metadata,
    Column("bucket", _key(), ForeignKey("s3_buckets.name"), primary_key=True),
    Column("key", _key(), primary_key=True),
    Column("upload_id", Text, primary_key=True),
    Column("initiator", Text, nullable=False),
    Column("started_at", Timestamp, nullable=False),
    Column("document", JSON, nullable=False),
    Index("s3_uploads_by_id", "upload_id", unique=True),
    sqlite_with_rowid=False,
)

parts = Table(
    "s3_parts",
    metadata,
    Column("upload_id", Text, ForeignKey("s3_uploads.upload_id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("etag", Text, nullable=False),
    Column("blob", Text, nullable=False),
    Column("modified_at", Timestamp, nullable=False),
    Column("checksums", JSON, nullable=False),
    Index("s3_parts_by_blob", "blob"),
    sqlite_with_rowid=False,
)
