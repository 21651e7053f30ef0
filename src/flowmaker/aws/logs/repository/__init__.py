"""Log groups and streams in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, and_, select, update
from sqlalchemy.dialects.sqlite import insert

from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import log_groups, log_streams

#: Marks of a stream at most: further ones thin out the past, two into one.
MOST_MARKS = 2000

Marks = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Whose logs: an account in a region."""

    account: str
    region: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """A log group."""

    name: str
    created_at: datetime
    #: For how many days events are shown; 0: for ever.
    retention_days: int = 0
    #: Older events have gone, in milliseconds since 1970.
    gone_before: int = 0
    #: It is a user's own; the others are of jobs and endpoints.
    is_kept: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A log stream: a file, and when which of its bytes were first seen."""

    group: str
    name: str
    created_at: datetime
    file: Path
    closed: bool
    #: (offset, milliseconds since 1970), both ascending.
    marks: Marks


def open_stream(tx: Transaction, place: Place, stream: Stream) -> None:
    """Register the stream and its group; nothing when they are there."""
    group = {
        "account": place.account,
        "region": place.region,
        "name": stream.group,
        "created_at": stream.created_at,
    }
    tx.execute(insert(log_groups).values(group).on_conflict_do_nothing())
    row = {
        "account": place.account,
        "region": place.region,
        "group_name": stream.group,
        "name": stream.name,
        "created_at": stream.created_at,
        "file": str(stream.file),
        "closed": stream.closed,
        "marks": [list(mark) for mark in stream.marks],
    }
    tx.execute(insert(log_streams).values(row).on_conflict_do_nothing())


def add_mark(tx: Transaction, place: Place, stream: Stream, mark: tuple[int, int]) -> Stream:
    """Note that the file had grown to an offset at a time; the stream as it is then."""
    current = find_stream(tx, place, stream.group, stream.name) or stream
    last = current.marks[-1] if current.marks else (0, 0)
    if mark[0] <= last[0] or current.closed:
        return current
    marks = (*current.marks, (mark[0], max(mark[1], last[1])))
    if len(marks) > MOST_MARKS:
        marks = marks[1::2] if len(marks) % 2 == 0 else (*marks[1::2], marks[-1])
    values = {"marks": [list(one) for one in marks]}
    tx.execute(update(log_streams).where(_is(place, stream.group, stream.name)).values(values))
    return find_stream(tx, place, stream.group, stream.name) or current


def close_stream(tx: Transaction, place: Place, group: str, name: str) -> None:
    tx.execute(update(log_streams).where(_is(place, group, name)).values(closed=True))


def find_group(tx: Transaction, place: Place, name: str) -> Group | None:
    found = [group for group in groups(tx, place, name) if group.name == name]
    return found[0] if found else None


def groups(tx: Transaction, place: Place, prefix: str = "") -> list[Group]:
    """The groups whose names start with `prefix`, in the order of their names."""
    where = and_(
        log_groups.c.account == place.account,
        log_groups.c.region == place.region,
        log_groups.c.name.startswith(prefix, autoescape=True),
    )
    rows = tx.execute(select(log_groups).where(where).order_by(log_groups.c.name))
    return [
        Group(
            name=row.name,
            created_at=row.created_at,
            retention_days=row.retention_days or 0,
            gone_before=row.gone_before or 0,
        )
        for row in rows
    ]


def set_retention(
    tx: Transaction, place: Place, name: str, days: int | None, gone_before: int
) -> None:
    values = {"retention_days": days, "gone_before": gone_before}
    tx.execute(update(log_groups).where(_is_group(place, name)).values(values))


def tags(tx: Transaction, place: Place, name: str) -> dict[str, str]:
    found = select(log_groups.c.tags).where(_is_group(place, name))
    return dict(tx.execute(found).scalar_one() or {})


def set_tags(tx: Transaction, place: Place, name: str, now: Mapping[str, str]) -> None:
    values = {"tags": dict(now)}
    tx.execute(update(log_groups).where(_is_group(place, name)).values(values))


def find_stream(tx: Transaction, place: Place, group: str, name: str) -> Stream | None:
    row = tx.execute(select(log_streams).where(_is(place, group, name))).first()
    return _stream(row) if row else None


def streams(tx: Transaction, place: Place, group: str, prefix: str = "") -> list[Stream]:
    """The group's streams whose names start with `prefix`, in the order of their names."""
    where = and_(
        log_streams.c.account == place.account,
        log_streams.c.region == place.region,
        log_streams.c.group_name == group,
        log_streams.c.name.startswith(prefix, autoescape=True),
    )
    rows = tx.execute(select(log_streams).where(where).order_by(log_streams.c.name))
    return [_stream(row) for row in rows]


def _is_group(place: Place, name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's expression
    return and_(
        log_groups.c.account == place.account,
        log_groups.c.region == place.region,
        log_groups.c.name == name,
    )


def _is(place: Place, group: str, name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's expression
    return and_(
        log_streams.c.account == place.account,
        log_streams.c.region == place.region,
        log_streams.c.group_name == group,
        log_streams.c.name == name,
    )


def _stream(row: Row[Any]) -> Stream:
    return Stream(
        group=row.group_name,
        name=row.name,
        created_at=row.created_at,
        file=Path(row.file),
        closed=row.closed,
        marks=tuple((offset, time) for offset, time in row.marks),
    )
