"""What objects were before: kept where a bucket keeps versions, with markers where one was deleted.

Contract: the S3 User Guide, "How S3 Versioning works" and "Working with delete markers".
"""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select

from flowmaker import ids
from flowmaker.objects.uploads import NoBucket
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import buckets, objects, versions

#: The name of a bucket's configuration that says whether it keeps versions.
CONFIGURATION = "versioning"
ENABLED, SUSPENDED = "Enabled", "Suspended"
#: What a version is called that was made while none were kept.
NULL = "null"

# What every write asks, built once: see `entries`.
_CONFIGURATIONS = select(buckets.c.configurations).where(buckets.c.name == bindparam("of_bucket"))

#: Columns that an object and a version of it have in common.
_SHARED = ("version_id", "size", "etag", "blob", "modified_at", "document", "parts")


def keeping(tx: Transaction, bucket: str) -> str:
    """ENABLED, SUSPENDED, or empty where the bucket has never kept versions.

    Raises:
        NoBucket: there is no such bucket.
    """
    row = tx.execute(_CONFIGURATIONS, {"of_bucket": bucket}).first()
    if row is None:
        raise NoBucket(f"There is no bucket {bucket}")
    return status(row.configurations)


def status(configurations: Any) -> str:  # noqa: ANN401 - JSON
    """What the configurations of a bucket say, as keeping() does."""
    text = configurations.get(CONFIGURATION)
    return json.loads(text)["Status"] if text else ""


def retire(tx: Transaction, bucket: str, key: str, keeps: str) -> list[str]:
    """Make room for a newer version of the key; the blobs that nobody needs now.

    The object becomes a version, unless the newer one takes its name: while versions are suspended
    all are called NULL, and only the last of that name is kept.
    """
    at_key = (objects.c.bucket == bucket, objects.c.key == key)
    unused = _forget_null(tx, bucket, key) if keeps == SUSPENDED else []
    row = tx.execute(select(objects).where(*at_key)).first()
    if row is None:
        return unused
    tx.execute(delete(objects).where(*at_key))
    if keeps == SUSPENDED and row.version_id == NULL:
        return [*unused, row.blob]
    _append(tx, bucket, key, is_marker=False, **{name: getattr(row, name) for name in _SHARED})
    return unused


def mark(
    tx: Transaction, bucket: str, key: str, keeps: str, now: datetime
) -> tuple[str, list[str]]:
    """Delete the key, so that its versions stay: what the marker is called, and unused blobs."""
    unused = retire(tx, bucket, key, keeps)
    version_id = ids.token(32) if keeps == ENABLED else NULL
    _append(
        tx,
        bucket,
        key,
        is_marker=True,
        version_id=version_id,
        size=0,
        etag="",
        blob="",
        modified_at=now,
        document={},
        parts=None,
    )
    return version_id, unused


def remove(tx: Transaction, bucket: str, key: str, version_id: str) -> tuple[bool, list[str]]:
    """Delete one version for good: whether it was a marker, and unused blobs.

    If it was the newest, the one before it takes its place.
    """
    current = (objects.c.bucket == bucket, objects.c.key == key)
    row = tx.execute(select(objects.c.blob, objects.c.version_id).where(*current)).first()
    if row and row.version_id == version_id:
        tx.execute(delete(objects).where(*current))
        _promote(tx, bucket, key)
        return False, [row.blob]
    older = find(tx, bucket, key, version_id)
    if older is None:
        return False, []
    mine = (*_at(bucket, key), versions.c.sequence == older.sequence)
    tx.execute(delete(versions).where(*mine))
    if row is None:
        _promote(tx, bucket, key)
    return older.is_marker, [older.blob] if older.blob else []


def find(tx: Transaction, bucket: str, key: str, version_id: str) -> Row[Any] | None:
    """The version of that name, if it is not the object itself."""
    named = versions.c.version_id == version_id
    return tx.execute(select(versions).where(*_at(bucket, key), named)).first()


def newest(tx: Transaction, bucket: str, key: str) -> Row[Any] | None:
    """The newest version that is not the object itself."""
    query = select(versions).where(*_at(bucket, key)).order_by(versions.c.sequence.desc())
    return tx.execute(query.limit(1)).first()


def of_key(tx: Transaction, bucket: str, key: str) -> list[Row[Any]]:
    """All versions but the object itself, the newest first."""
    query = select(versions).where(*_at(bucket, key)).order_by(versions.c.sequence.desc())
    return list(tx.execute(query))


def _promote(tx: Transaction, bucket: str, key: str) -> None:
    """What is the newest now becomes the object, unless it is a marker."""
    row = newest(tx, bucket, key)
    if row is None or row.is_marker:
        return
    tx.execute(delete(versions).where(*_at(bucket, key), versions.c.sequence == row.sequence))
    values = {name: getattr(row, name) for name in _SHARED}
    tx.execute(insert(objects).values(bucket=bucket, key=key, **values))


def _forget_null(tx: Transaction, bucket: str, key: str) -> list[str]:
    row = find(tx, bucket, key, NULL)
    if row is None:
        return []
    tx.execute(delete(versions).where(*_at(bucket, key), versions.c.sequence == row.sequence))
    return [row.blob] if row.blob else []


def _append(tx: Transaction, bucket: str, key: str, **values: Any) -> None:  # noqa: ANN401 - a row
    largest = select(func.max(versions.c.sequence)).where(*_at(bucket, key))
    sequence = (tx.execute(largest).scalar() or 0) + 1
    tx.execute(insert(versions).values(bucket=bucket, key=key, sequence=sequence, **values))


def _at(bucket: str, key: str) -> tuple[Any, Any]:
    return versions.c.bucket == bucket, versions.c.key == key
