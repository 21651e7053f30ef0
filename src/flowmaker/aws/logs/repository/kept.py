"""Groups, streams and events that users make themselves: rows of the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    select,
    true,
    tuple_,
    update,
)

from flowmaker.aws.logs.repository import Group, Place
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import kept_log_events, kept_log_groups, kept_log_streams

#: Rows that are read at a time: a message may be a megabyte.
ROWS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptStream:
    """A stream, and the times of its events that are still shown; None when there is none."""

    id: int
    group: str
    name: str
    created_at: datetime
    first: int | None
    last: int | None
    ingested: int | None


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """An event's place among others: by its time, then as they were put."""

    at: int
    id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptEvent:
    """An event."""

    position: Position
    stream: str
    ingested_at: int
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Which events: from a time until before another, behind a position or before it."""

    start: int
    end: int | None = None
    after: Position | None = None
    before: Position | None = None


def find_group(tx: Transaction, place: Place, name: str) -> Group | None:
    row = tx.execute(select(kept_log_groups).where(_is_group(place, name))).first()
    return _group(row) if row else None


def groups(tx: Transaction, place: Place, prefix: str = "") -> list[Group]:
    """The groups whose names start with `prefix`, in the order of their names."""
    names = kept_log_groups.c
    where = and_(
        names.account == place.account,
        names.region == place.region,
        names.name.startswith(prefix, autoescape=True),
    )
    rows = tx.execute(select(kept_log_groups).where(where).order_by(names.name))
    return [_group(row) for row in rows]


def add_group(tx: Transaction, place: Place, group: Group, tags: Mapping[str, str]) -> None:
    row = {
        "account": place.account,
        "region": place.region,
        "name": group.name,
        "created_at": group.created_at,
        "tags": dict(tags),
    }
    tx.execute(insert(kept_log_groups).values(row))


def remove_group(tx: Transaction, place: Place, name: str) -> None:
    """The group, with all that is in it."""
    ids = select(kept_log_streams.c.id).where(_in_group(place, name))
    tx.execute(delete(kept_log_events).where(kept_log_events.c.stream_id.in_(ids)))
    tx.execute(delete(kept_log_streams).where(_in_group(place, name)))
    tx.execute(delete(kept_log_groups).where(_is_group(place, name)))


def set_retention(tx: Transaction, place: Place, name: str, days: int | None) -> None:
    values = {"retention_days": days}
    tx.execute(update(kept_log_groups).where(_is_group(place, name)).values(values))


def tags(tx: Transaction, place: Place, name: str) -> dict[str, str]:
    found = select(kept_log_groups.c.tags).where(_is_group(place, name))
    return dict(tx.execute(found).scalar_one())


def set_tags(tx: Transaction, place: Place, name: str, now: Mapping[str, str]) -> None:
    values = {"tags": dict(now)}
    tx.execute(update(kept_log_groups).where(_is_group(place, name)).values(values))


def find_stream(tx: Transaction, place: Place, group: str, name: str) -> KeptStream | None:
    where = and_(_in_group(place, group), kept_log_streams.c.name == name)
    row = tx.execute(_streams(0).where(where)).first()
    return _stream(row) if row else None


def streams(
    tx: Transaction, place: Place, group: str, prefix: str = "", since: int = 0
) -> list[KeptStream]:
    """The group's streams whose names start with `prefix`, in the order of their names."""
    named = kept_log_streams.c.name.startswith(prefix, autoescape=True)
    where = and_(_in_group(place, group), named)
    rows = tx.execute(_streams(since).where(where).order_by(kept_log_streams.c.name))
    return [_stream(row) for row in rows]


def add_stream(tx: Transaction, place: Place, group: str, name: str, now: datetime) -> None:
    row = {
        "account": place.account,
        "region": place.region,
        "group_name": group,
        "name": name,
        "created_at": now,
    }
    tx.execute(insert(kept_log_streams).values(row))


def remove_stream(tx: Transaction, stream: KeptStream) -> None:
    tx.execute(delete(kept_log_events).where(kept_log_events.c.stream_id == stream.id))
    tx.execute(delete(kept_log_streams).where(kept_log_streams.c.id == stream.id))


def add_events(
    tx: Transaction, stream: KeptStream, given: Sequence[tuple[int, str]], now: int
) -> int:
    """Put them behind those that there are; the last one's id, or 0."""
    rows = [
        {"stream_id": stream.id, "at": at, "ingested_at": now, "message": message}
        for at, message in given
    ]
    if rows:
        tx.execute(insert(kept_log_events), rows)
        is_it = kept_log_streams.c.id == stream.id
        tx.execute(update(kept_log_streams).where(is_it).values(ingested_at=now))
    last = select(func.max(kept_log_events.c.id))
    return tx.execute(last).scalar_one_or_none() or 0


def forget(tx: Transaction, stream: KeptStream, before: int) -> None:
    """Remove what the group's retention no longer shows."""
    events = kept_log_events.c
    tx.execute(
        delete(kept_log_events).where(and_(events.stream_id == stream.id, events.at < before))
    )


def events(
    tx: Transaction, chosen: Sequence[KeptStream], span: Span, *, newest_first: bool = False
) -> Iterator[KeptEvent]:
    """The events of the streams, by their times; only what is taken is read."""
    names = {one.id: one.name for one in chosen}
    of = kept_log_events.c
    order = [of.at.desc(), of.id.desc()] if newest_first else [of.at, of.id]
    where = and_(of.stream_id.in_(names), _within(span))
    rows = tx.execute(select(kept_log_events).where(where).order_by(*order)).yield_per(ROWS)
    try:
        for row in rows:
            yield KeptEvent(
                position=Position(row.at, row.id),
                stream=names[row.stream_id],
                ingested_at=row.ingested_at,
                message=row.message,
            )
    finally:
        rows.close()


def _within(span: Span) -> ColumnElement[bool]:
    of = kept_log_events.c
    place = tuple_(of.at, of.id)
    return and_(
        of.at >= span.start,
        of.at < span.end if span.end is not None else true(),
        place > (span.after.at, span.after.id) if span.after else true(),
        place < (span.before.at, span.before.id) if span.before else true(),
    )


def _streams(since: int) -> Select[Any]:
    of = kept_log_events.c
    shown = and_(of.stream_id == kept_log_streams.c.id, of.at >= since)
    return select(
        kept_log_streams,
        select(func.min(of.at)).where(shown).scalar_subquery().label("first"),
        select(func.max(of.at)).where(shown).scalar_subquery().label("last"),
    )


def _is_group(place: Place, name: str) -> ColumnElement[bool]:
    return and_(
        kept_log_groups.c.account == place.account,
        kept_log_groups.c.region == place.region,
        kept_log_groups.c.name == name,
    )


def _in_group(place: Place, group: str) -> ColumnElement[bool]:
    return and_(
        kept_log_streams.c.account == place.account,
        kept_log_streams.c.region == place.region,
        kept_log_streams.c.group_name == group,
    )


def _group(row: Row[Any]) -> Group:
    return Group(
        name=row.name,
        created_at=row.created_at,
        retention_days=row.retention_days or 0,
        is_kept=True,
    )


def _stream(row: Row[Any]) -> KeptStream:
    return KeptStream(
        id=row.id,
        group=row.group_name,
        name=row.name,
        created_at=row.created_at,
        first=row.first,
        last=row.last,
        ingested=row.ingested_at,
    )
