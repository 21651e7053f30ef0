"""Rows of objects."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, delete, exists, insert, select, update

from flowmaker.errors import FailedPrecondition, NotFound
from flowmaker.objects.index.buckets import get as get_bucket
from flowmaker.objects.objects import Bucket, Piece, StoredObject
from flowmaker.objects.uploads import Expectation, NoBucket
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import buckets, objects, parts

#: All that an object is, but for its parts, which may be ten thousand.
WITHOUT_PARTS = tuple(column for column in objects.c if column.name != "parts")


def get(tx: Transaction, bucket: str, key: str) -> StoredObject | None:
    query = select(objects).where(objects.c.bucket == bucket, objects.c.key == key)
    row = tx.execute(query).first()
    return from_row(row, row.parts) if row else None


def look(tx: Transaction, bucket: str, key: str) -> tuple[Bucket | None, StoredObject | None]:
    """The bucket and the object in it, as they are at the same moment."""
    found = get_bucket(tx, bucket)
    return found, (get(tx, bucket, key) if found else None)


def put(tx: Transaction, stored: StoredObject, expected: Expectation | None = None) -> list[str]:
    """Make `stored` the object of its key; the blobs that nobody needs now.

    Raises:
        NoBucket: there is no such bucket.
        NotFound: there is no object where one is expected.
        FailedPrecondition: the key is not as expected.
    """
    if not tx.execute(select(exists().where(buckets.c.name == stored.bucket))).scalar():
        raise NoBucket(f"There is no bucket {stored.bucket}")
    at_key = (objects.c.bucket == stored.bucket, objects.c.key == stored.key)
    old = tx.execute(select(objects.c.blob, objects.c.etag).where(*at_key)).first()
    if expected:
        _check(stored.key, old.etag if old else None, expected)
    values = _values(stored)
    if old is None:
        tx.execute(insert(objects).values(bucket=stored.bucket, key=stored.key, **values))
        return []
    tx.execute(update(objects).where(*at_key).values(**values))
    return [old.blob] if old.blob != stored.blob else []


def remove(
    tx: Transaction, bucket: str, keys: Iterable[str], expected: Expectation | None = None
) -> list[str]:
    """Delete the objects of these keys, those that exist; the blobs that nobody needs now."""
    unused: list[str] = []
    for key in keys:
        at_key = (objects.c.bucket == bucket, objects.c.key == key)
        old = tx.execute(select(objects.c.blob, objects.c.etag).where(*at_key)).first()
        if expected:
            _check(key, old.etag if old else None, expected)
        if old is not None:
            tx.execute(delete(objects).where(*at_key))
            unused.append(old.blob)
    return unused


def tag(tx: Transaction, bucket: str, key: str, tags: Mapping[str, str]) -> None:
    """Replace the tags of an object: its bytes, ETag and time stay as they are.

    Raises:
        NotFound: there is no such object.
    """
    at_key = (objects.c.bucket == bucket, objects.c.key == key)
    row = tx.execute(select(objects.c.document).where(*at_key)).first()
    if row is None:
        raise NotFound(f"There is no object {key} in the bucket {bucket}")
    document = {**row.document, "tags": dict(tags)}
    tx.execute(update(objects).where(*at_key).values(document=document))


def unknown(tx: Transaction, blobs: Iterable[str]) -> list[str]:
    """Those of `blobs` that neither an object nor a part of an upload has."""
    return [
        blob
        for blob in blobs
        if not tx.execute(select(exists().where(objects.c.blob == blob))).scalar()
        and not tx.execute(select(exists().where(parts.c.blob == blob))).scalar()
    ]


def from_row(row: Row[Any], pieces: list[dict[str, Any]] | None = None) -> StoredObject:
    return StoredObject(
        bucket=row.bucket,
        key=row.key,
        size=row.size,
        etag=row.etag,
        blob=row.blob,
        modified_at=row.modified_at,
        parts=tuple(Piece(**piece) for piece in pieces or ()),
        **row.document,
    )


def _values(stored: StoredObject) -> dict[str, Any]:
    pieces = [
        {"number": p.number, "size": p.size, "checksums": dict(p.checksums)} for p in stored.parts
    ]
    return {
        "size": stored.size,
        "etag": stored.etag,
        "blob": stored.blob,
        "modified_at": stored.modified_at,
        "document": {
            "content_type": stored.content_type,
            "headers": dict(stored.headers),
            "metadata": dict(stored.metadata),
            "checksums": dict(stored.checksums),
            "tags": dict(stored.tags),
        },
        "parts": pieces or None,
    }


def _check(key: str, etag: str | None, expected: Expectation) -> None:
    if expected.absent and etag is not None:
        raise FailedPrecondition(f"There is an object {key} already")
    if not expected.etag:
        return
    if etag is None:
        raise NotFound(f"There is no object {key}")
    if expected.etag not in (etag, "*"):
        raise FailedPrecondition(f"The ETag of {key} is {etag}, not {expected.etag}")
