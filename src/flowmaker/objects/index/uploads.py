"""Rows of multipart uploads and their parts."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Result, Row, delete, insert, select, tuple_, update

from flowmaker.objects.index import entries
from flowmaker.objects.keys import common_prefix, successor
from flowmaker.objects.objects import StoredObject
from flowmaker.objects.uploads import (
    Expectation,
    NoBucket,
    NoUpload,
    Part,
    Upload,
    UploadPage,
    UploadPageRequest,
    Written,
)
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import parts, uploads


def begin(tx: Transaction, upload: Upload) -> None:
    """Note that an upload was begun.

    Raises:
        NoBucket: there is no such bucket.
    """
    if entries.get_bucket(tx, upload.bucket) is None:
        raise NoBucket(f"There is no bucket {upload.bucket}")
    tx.execute(
        insert(uploads).values(
            bucket=upload.bucket,
            key=upload.key,
            upload_id=upload.upload_id,
            initiator=upload.initiator,
            started_at=upload.started_at,
            document={
                "content_type": upload.content_type,
                "headers": dict(upload.headers),
                "metadata": dict(upload.metadata),
                "tags": dict(upload.tags),
                "checksum_algorithm": upload.checksum_algorithm,
                "checksum_type": upload.checksum_type,
                "checksum_asked": upload.checksum_asked,
            },
        )
    )


def get(tx: Transaction, bucket: str, key: str, upload_id: str) -> Upload | None:
    query = select(uploads).where(uploads.c.upload_id == upload_id)
    row = tx.execute(query.where(uploads.c.bucket == bucket, uploads.c.key == key)).first()
    return _upload(row) if row else None


def put_part(tx: Transaction, part: Part) -> list[str]:
    """Make `part` the part of its number; the blobs that nobody needs now.

    Raises:
        NoUpload: the upload was completed or aborted meanwhile.
    """
    query = select(uploads.c.upload_id).where(uploads.c.upload_id == part.upload_id)
    if tx.execute(query).first() is None:
        raise NoUpload(f"There is no upload {part.upload_id}")
    at_number = (parts.c.upload_id == part.upload_id, parts.c.number == part.number)
    old = tx.execute(select(parts.c.blob).where(*at_number)).scalar()
    values = {
        "size": part.size,
        "etag": part.etag,
        "blob": part.blob,
        "modified_at": part.modified_at,
        "checksums": dict(part.checksums),
    }
    if old is None:
        tx.execute(insert(parts).values(upload_id=part.upload_id, number=part.number, **values))
        return []
    tx.execute(update(parts).where(*at_number).values(**values))
    return [old]


def list_parts(tx: Transaction, upload_id: str, after: int = 0, limit: int = 10_000) -> list[Part]:
    """At most `limit` parts in the order of their numbers."""
    query = (
        select(parts)
        .where(parts.c.upload_id == upload_id, parts.c.number > after)
        .order_by(parts.c.number)
        .limit(limit)
    )
    return [_part(row) for row in tx.execute(query)]


def complete(
    tx: Transaction, upload_id: str, stored: StoredObject, expected: Expectation | None
) -> Written:
    """Turn an upload into an object.

    Raises:
        NoUpload: the upload was completed or aborted meanwhile.
        FailedPrecondition: the key is not as expected.
    """
    unused = abort(tx, upload_id)
    written = entries.put(tx, stored, expected)
    return replace(written, unused=[*unused, *written.unused])


def abort(tx: Transaction, upload_id: str) -> list[str]:
    """Forget an upload; the blobs that nobody needs now.

    Raises:
        NoUpload: there is no such upload.
    """
    of_upload = parts.c.upload_id == upload_id
    blobs = list(tx.execute(select(parts.c.blob).where(of_upload)).scalars())
    tx.execute(delete(parts).where(of_upload))
    if not tx.execute(delete(uploads).where(uploads.c.upload_id == upload_id)).rowcount:
        raise NoUpload(f"There is no upload {upload_id}")
    return blobs


def page(tx: Transaction, bucket: str, wanted: UploadPageRequest) -> UploadPage:
    """At most `wanted.limit` uploads and common prefixes, in the order of key and upload id."""
    found: list[Upload] = []
    prefixes: list[str] = []
    last = ("", "")
    for row in _beyond(tx, bucket, wanted):
        rolled_up = common_prefix(row.key, wanted.prefix, wanted.delimiter)
        if rolled_up is not None and rolled_up == last[0]:
            continue
        if len(found) + len(prefixes) == wanted.limit:
            following, following_id = last
            return UploadPage(
                uploads=tuple(found),
                prefixes=tuple(prefixes),
                following=following,
                following_id=following_id,
            )
        if rolled_up is None:
            found.append(_upload(row))
            last = (row.key, row.upload_id)
        else:
            prefixes.append(rolled_up)
            last = (rolled_up, "")
    return UploadPage(uploads=tuple(found), prefixes=tuple(prefixes))


def _beyond(tx: Transaction, bucket: str, wanted: UploadPageRequest) -> Result[Any]:
    """All uploads beyond the markers: they are few, so none is leapt over."""
    query = select(uploads).where(uploads.c.bucket == bucket, uploads.c.key >= wanted.prefix)
    if (end := successor(wanted.prefix)) is not None:
        query = query.where(uploads.c.key < end)
    rolled_up = common_prefix(wanted.after, wanted.prefix, wanted.delimiter)
    if rolled_up is not None and (end := successor(rolled_up)) is not None:
        query = query.where(uploads.c.key >= end)
    elif wanted.after_id is not None:
        at = tuple_(uploads.c.key, uploads.c.upload_id)
        query = query.where(at > tuple_(wanted.after, wanted.after_id))
    elif wanted.after:
        query = query.where(uploads.c.key > wanted.after)
    return tx.execute(query.order_by(uploads.c.key, uploads.c.upload_id))


def _upload(row: Row[Any]) -> Upload:
    return Upload(
        bucket=row.bucket,
        key=row.key,
        upload_id=row.upload_id,
        initiator=row.initiator,
        started_at=row.started_at,
        **row.document,
    )


def _part(row: Row[Any]) -> Part:
    return Part(
        upload_id=row.upload_id,
        number=row.number,
        size=row.size,
        etag=row.etag,
        blob=row.blob,
        modified_at=row.modified_at,
        checksums=row.checksums,
    )
