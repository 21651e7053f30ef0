"""Pages of versions: of each key the object, then what it was before, the newest first."""

from collections.abc import Iterator

from sqlalchemy import Select, select, union

from flowmaker.objects.index import entries, versions
from flowmaker.objects.index.listing import beginning
from flowmaker.objects.keys import common_prefix, successor
from flowmaker.objects.uploads import Version, VersionPage, VersionPageRequest
from flowmaker.store.database import Transaction
from flowmaker.store.schema.objects import objects
from flowmaker.store.schema.objects import versions as older

#: Keys that are fetched at a time.
_AT_ONCE = 256


def page(tx: Transaction, bucket: str, wanted: VersionPageRequest) -> VersionPage:
    """At most `wanted.limit` versions, markers and common prefixes together."""
    found: list[Version] = []
    prefixes: list[str] = []
    last = ("", "")
    for entry in _entries(tx, bucket, wanted):
        if len(found) + len(prefixes) == wanted.limit:
            return VersionPage(
                versions=tuple(found),
                prefixes=tuple(prefixes),
                following=last[0],
                following_version=last[1],
            )
        if isinstance(entry, str):
            prefixes.append(entry)
            last = (entry, "")
        else:
            found.append(entry)
            last = (entry.of.key, entry.of.version_id)
    return VersionPage(versions=tuple(found), prefixes=tuple(prefixes))


def _entries(tx: Transaction, bucket: str, wanted: VersionPageRequest) -> Iterator[Version | str]:
    """Versions, and the common prefixes that keys are rolled up into, in order."""
    if wanted.after_version:
        yield from _older_than(tx, bucket, wanted.after, wanted.after_version)
    start, inclusive = beginning(wanted.prefix, wanted.delimiter, wanted.after)
    while start is not None:
        keys = _keys(tx, bucket, wanted.prefix, start, inclusive=inclusive)
        leapt = None
        for key in keys:
            if leapt is None or not key.startswith(leapt):
                leapt = common_prefix(key, wanted.prefix, wanted.delimiter)
                yield from [leapt] if leapt is not None else _of_key(tx, bucket, key)
        if len(keys) < _AT_ONCE:
            return
        start, inclusive = (successor(leapt), True) if leapt is not None else (keys[-1], False)


def _older_than(tx: Transaction, bucket: str, key: str, version_id: str) -> Iterator[Version]:
    """Versions of a key beyond one of them; none if it is gone, and then all of that key are."""
    beyond = False
    for one in _of_key(tx, bucket, key):
        if beyond:
            yield one
        beyond = beyond or one.of.version_id == version_id


def _of_key(tx: Transaction, bucket: str, key: str) -> Iterator[Version]:
    current = entries.get(tx, bucket, key)
    if current:
        yield Version(of=current, latest=True)
    for number, row in enumerate(versions.of_key(tx, bucket, key)):
        yield Version(of=entries.of_version(row), latest=not current and number == 0)


def _keys(tx: Transaction, bucket: str, prefix: str, start: str, *, inclusive: bool) -> list[str]:
    """The next keys that have an object or a version."""
    end = successor(prefix)
    queries: list[Select[tuple[str]]] = []
    for table in (objects, older):
        query = select(table.c.key).where(table.c.bucket == bucket)
        query = query.where(table.c.key >= start if inclusive else table.c.key > start)
        queries.append(query.where(table.c.key < end) if end is not None else query)
    both = union(*queries).subquery()
    return list(tx.execute(select(both.c.key).order_by(both.c.key).limit(_AT_ONCE)).scalars())
