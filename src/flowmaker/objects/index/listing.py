"""Pages of keys: ranges of the index, with a leap over everything that is rolled up."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, select

from flowmaker.objects.index.entries import WITHOUT_PARTS, from_row
from flowmaker.objects.keys import common_prefix, successor
from flowmaker.objects.objects import StoredObject
from flowmaker.objects.uploads import Page, PageRequest
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import objects

#: Rows that are fetched at a time: few after a leap, for the next one may be near.
FEWEST, MOST = 8, 1000


def page(tx: Transaction, bucket: str, wanted: PageRequest) -> Page:
    """At most `wanted.limit` objects and common prefixes together."""
    found: list[StoredObject] = []
    prefixes: list[str] = []
    last = ""
    for key, row in _entries(tx, bucket, wanted):
        if len(found) + len(prefixes) == wanted.limit:
            return Page(objects=tuple(found), prefixes=tuple(prefixes), following=last)
        if row is None:
            prefixes.append(key)
        else:
            found.append(from_row(row))
        last = key
    return Page(objects=tuple(found), prefixes=tuple(prefixes))


def walk(tx: Transaction, bucket: str, prefix: str) -> list[StoredObject]:
    """Every object whose key starts with `prefix`."""
    query = select(*WITHOUT_PARTS).where(objects.c.bucket == bucket, objects.c.key >= prefix)
    if (end := successor(prefix)) is not None:
        query = query.where(objects.c.key < end)
    return [from_row(row) for row in tx.execute(query.order_by(objects.c.key))]


def _entries(
    tx: Transaction, bucket: str, wanted: PageRequest
) -> Iterator[tuple[str, Row[Any] | None]]:
    """Keys with their rows, and common prefixes without one, in order."""
    start, inclusive = beginning(wanted.prefix, wanted.delimiter, wanted.after)
    size = MOST if not wanted.delimiter else FEWEST
    while start is not None:
        rows = _fetch(tx, bucket, wanted.prefix, (start, inclusive), min(size, wanted.limit + 1))
        leapt = None
        for row in rows:
            if leapt is not None and row.key.startswith(leapt):
                continue
            leapt = common_prefix(row.key, wanted.prefix, wanted.delimiter)
            yield (row.key, row) if leapt is None else (leapt, None)
        if len(rows) < min(size, wanted.limit + 1):
            return
        start, inclusive = (successor(leapt), True) if leapt is not None else (rows[-1].key, False)
        size = FEWEST if leapt is not None else min(size * 4, MOST)


def beginning(prefix: str, delimiter: str, after: str) -> tuple[str | None, bool]:
    """The key to begin at, none if there is none, and whether it may be listed itself."""
    rolled_up = common_prefix(after, prefix, delimiter)
    if rolled_up is not None:
        return successor(rolled_up), True
    if after >= prefix and after:
        return after, False
    return prefix, True


def _fetch(
    tx: Transaction, bucket: str, prefix: str, start: tuple[str, bool], limit: int
) -> Sequence[Row[Any]]:
    key, inclusive = start
    query = (
        select(*WITHOUT_PARTS)
        .where(objects.c.bucket == bucket)
        .where(objects.c.key >= key if inclusive else objects.c.key > key)
    )
    if (end := successor(prefix)) is not None:
        query = query.where(objects.c.key < end)
    return tx.execute(query.order_by(objects.c.key).limit(limit)).all()
