"""Rows of objects."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, bindparam, exists, insert, select, update

from flowmaker.errors import FailedPrecondition, NotFound
from flowmaker.objects.index import versions
from flowmaker.objects.index.buckets import get as get_bucket
from flowmaker.objects.objects import Bucket, Piece, StoredObject
from flowmaker.objects.uploads import Expectation, Marker, Written
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import objects, parts
from flowmaker.store.schema.objects import versions as older

#: All that an object is, but for its parts, which may be ten thousand.
WITHOUT_PARTS = tuple(column for column in objects.c if column.name != "parts")

# What every read and write of an object asks is built once: SQLAlchemy takes longer to build a
# statement than SQLite takes to carry it out. Columns to set are the names that are handed over.
_AT_KEY = (objects.c.bucket == bindparam("of_bucket"), objects.c.key == bindparam("of_key"))
_OBJECT = select(objects).where(*_AT_KEY)
_OLD = select(objects.c.blob, objects.c.etag).where(*_AT_KEY)
_NEW = insert(objects)
_CHANGED = update(objects).where(*_AT_KEY)


def get(tx: Transaction, bucket: str, key: str) -> StoredObject | None:
    row = tx.execute(_OBJECT, {"of_bucket": bucket, "of_key": key}).first()
    return from_row(row, row.parts) if row else None


def look(tx: Transaction, bucket: str, key: str) -> tuple[Bucket | None, StoredObject | None]:
    """The bucket and the object in it, as they are at the same moment."""
    found = get_bucket(tx, bucket)
    return found, (get(tx, bucket, key) if found else None)


def get_version(
    tx: Transaction, bucket: str, key: str, version_id: str
) -> StoredObject | Marker | None:
    """The version of that name, whether it is the object itself or an older one."""
    current = get(tx, bucket, key)
    if current and current.version_id == version_id:
        return current
    row = versions.find(tx, bucket, key, version_id)
    return of_version(row) if row else None


def marker(tx: Transaction, bucket: str, key: str) -> Marker | None:
    """The newest version, if there is no object of the key and it is a delete marker."""
    row = versions.newest(tx, bucket, key) if get(tx, bucket, key) is None else None
    found = of_version(row) if row else None
    return found if isinstance(found, Marker) else None


def of_version(row: Row[Any]) -> StoredObject | Marker:
    """A row of the table of versions."""
    if row.is_marker:
        return Marker(key=row.key, version_id=row.version_id, modified_at=row.modified_at)
    return from_row(row, row.parts)


def put(tx: Transaction, stored: StoredObject, expected: Expectation | None = None) -> Written:
    """Make `stored` the object of its key.

    Raises:
        NoBucket: there is no such bucket.
        NotFound: there is no object where one is expected.
        FailedPrecondition: the key is not as expected.
    """
    keeping = versions.keeping(tx, stored.bucket)
    at_key = {"of_bucket": stored.bucket, "of_key": stored.key}
    old = tx.execute(_OLD, at_key).first()
    if expected:
        check(stored.key, old.etag if old else None, expected)
    if keeping:
        return _put_version(tx, stored, keeping)
    values = {**_values(stored), "version_id": versions.NULL}
    if old is None:
        tx.execute(_NEW, {"bucket": stored.bucket, "key": stored.key, **values})
        return Written(unused=[])
    tx.execute(_CHANGED, {**at_key, **values})
    return Written(unused=[old.blob] if old.blob != stored.blob else [])


def _put_version(tx: Transaction, stored: StoredObject, keeping: str) -> Written:
    """The new object beside its older versions, not in the place of them."""
    version_id = stored.version_id if keeping == versions.ENABLED else versions.NULL
    unused = versions.retire(tx, stored.bucket, stored.key, keeping)
    values = {**_values(stored), "version_id": version_id}
    tx.execute(_NEW, {"bucket": stored.bucket, "key": stored.key, **values})
    return Written(unused=unused, version_id=version_id)


def tag(tx: Transaction, stored: StoredObject, tags: Mapping[str, str]) -> None:
    """Replace the tags of an object or a version: its bytes, ETag and time stay as they are.

    Raises:
        NotFound: it is gone.
    """
    for table in (objects, older):
        mine = (
            table.c.bucket == stored.bucket,
            table.c.key == stored.key,
            table.c.version_id == stored.version_id,
        )
        row = tx.execute(select(table.c.document).where(*mine)).first()
        if row is not None:
            document = {**row.document, "tags": dict(tags)}
            tx.execute(update(table).where(*mine).values(document=document))
            return
    raise NotFound(f"There is no object {stored.key} in the bucket {stored.bucket}")


def unknown(tx: Transaction, blobs: Iterable[str]) -> list[str]:
    """Those of `blobs` that no object, no version and no part of an upload has."""
    return [
        blob
        for blob in blobs
        if not any(
            tx.execute(select(exists().where(table.c.blob == blob))).scalar()
            for table in (objects, older, parts)
        )
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
        version_id=row.version_id,
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


def check(key: str, etag: str | None, expected: Expectation) -> None:
    """Raise unless the key is as expected; `etag` is that of its object, None if there is none."""
    if expected.absent and etag is not None:
        raise FailedPrecondition(f"There is an object {key} already")
    if not expected.etag:
        return
    if etag is None:
        raise NotFound(f"There is no object {key}")
    if expected.etag not in (etag, "*"):
        raise FailedPrecondition(f"The ETag of {key} is {etag}, not {expected.etag}")
