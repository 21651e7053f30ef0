"""Rows of buckets."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, insert, select, update

from flowmaker.errors import FailedPrecondition
from flowmaker.objects.objects import Bucket
from flowmaker.objects.uploads import NoBucket
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import buckets, objects, parts, uploads, versions

# Built once: see `entries`.
_NAMED = select(buckets).where(buckets.c.name == bindparam("of_bucket"))


@dataclass(frozen=True, slots=True)
class Made:
    """A bucket, and whether it was made just now."""

    bucket: Bucket
    new: bool


def get(tx: Transaction, name: str) -> Bucket | None:
    row = tx.execute(_NAMED, {"of_bucket": name}).first()
    return _bucket(row) if row else None


def ensure(tx: Transaction, bucket: Bucket) -> Made:
    """The bucket of that name, made when there is none."""
    if found := get(tx, bucket.name):
        return Made(found, new=False)
    tx.execute(
        insert(buckets).values(
            name=bucket.name,
            owner=bucket.owner,
            region=bucket.region,
            created_at=bucket.created_at,
            configurations=dict(bucket.configurations),
        )
    )
    return Made(bucket, new=True)


def page(
    tx: Transaction, whose: tuple[str, str | None], prefix: str, after: str, limit: int
) -> list[Bucket]:
    """At most `limit` buckets of an owner, in one region or in all, in the order of their names."""
    owner, region = whose
    query = (
        select(buckets)
        .where(buckets.c.owner == owner, buckets.c.name > after)
        .where(buckets.c.name.startswith(prefix, autoescape=True))
    )
    if region:
        query = query.where(buckets.c.region == region)
    return [_bucket(row) for row in tx.execute(query.order_by(buckets.c.name).limit(limit))]


def configure(tx: Transaction, name: str, configuration: str, text: str | None) -> None:
    """Set one configuration of a bucket, or take it away.

    Raises:
        NoBucket: there is no such bucket.
    """
    found = get(tx, name)
    if found is None:
        raise NoBucket(f"There is no bucket {name}")
    configurations = dict(found.configurations)
    if text is None:
        configurations.pop(configuration, None)
    else:
        configurations[configuration] = text
    tx.execute(update(buckets).where(buckets.c.name == name).values(configurations=configurations))


def remove(tx: Transaction, name: str) -> list[str]:
    """Delete an empty bucket and its unfinished uploads; the blobs that nobody needs now.

    Raises:
        NoBucket: there is no such bucket.
        FailedPrecondition: there are objects in it.
    """
    for table in (objects, versions):
        if tx.execute(select(exists().where(table.c.bucket == name))).scalar():
            raise FailedPrecondition(f"The bucket {name} is not empty")
    of_bucket = select(uploads.c.upload_id).where(uploads.c.bucket == name)
    unused = tx.execute(select(parts.c.blob).where(parts.c.upload_id.in_(of_bucket))).scalars()
    blobs = list(unused)
    tx.execute(delete(parts).where(parts.c.upload_id.in_(of_bucket)))
    tx.execute(delete(uploads).where(uploads.c.bucket == name))
    if not tx.execute(delete(buckets).where(buckets.c.name == name)).rowcount:
        raise NoBucket(f"There is no bucket {name}")
    return blobs


def _bucket(row: Row[Any]) -> Bucket:
    return Bucket(
        name=row.name,
        owner=row.owner,
        region=row.region,
        created_at=row.created_at,
        configurations=row.configurations,
    )
