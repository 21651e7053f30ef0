"""Objects and versions of them, deleted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from flowmaker.objects.index import entries, versions
from flowmaker.objects.uploads import Deleted, Deletion
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import objects


def remove(
    tx: Transaction, bucket: str, wanted: Sequence[Deletion], now: datetime
) -> tuple[list[Deleted], list[str]]:
    """What became of each, and the blobs that nobody needs now. What is not there is no error.

    Raises:
        NoBucket: there is no such bucket.
        NotFound, FailedPrecondition: a key is not as expected; nothing is deleted then.
    """
    keeps = versions.keeping(tx, bucket)
    done: list[Deleted] = []
    unused: list[str] = []
    for one in wanted:
        _check(tx, bucket, one)
        if one.version_id and keeps:
            marker, blobs = versions.remove(tx, bucket, one.key, one.version_id)
            done.append(Deleted(key=one.key, version_id=one.version_id, marker=marker))
        elif keeps:
            made, blobs = versions.mark(tx, bucket, one.key, keeps, now)
            done.append(Deleted(key=one.key, version_id=made, marker=True))
        else:
            blobs = _remove(tx, bucket, one)
            done.append(Deleted(key=one.key, version_id=one.version_id))
        unused += blobs
    return done, unused


def _check(tx: Transaction, bucket: str, one: Deletion) -> None:
    if one.expected is None:
        return
    at_key = (objects.c.bucket == bucket, objects.c.key == one.key)
    etag = tx.execute(select(objects.c.etag).where(*at_key)).scalar()
    entries.check(one.key, etag, one.expected)


def _remove(tx: Transaction, bucket: str, one: Deletion) -> list[str]:
    """Without versions a key is gone; a version of any other name than NULL was never there."""
    if one.version_id not in ("", versions.NULL):
        return []
    at_key = (objects.c.bucket == bucket, objects.c.key == one.key)
    blob = tx.execute(select(objects.c.blob).where(*at_key)).scalar()
    tx.execute(delete(objects).where(*at_key))
    return [blob] if blob else []
