"""Resources in the database. Every change is guarded by the revision that it was decided on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.dialects.sqlite import insert

from flowmaker.sagemaker.records.document import encode
from flowmaker.sagemaker.records.resource import Kind, Resource, Search
from flowmaker.store.database import Transaction
from flowmaker.store.schema.sagemaker import resources, tags

SORT_COLUMNS = {
    "Name": resources.c.name,
    "CreationTime": resources.c.created_at,
    "Status": resources.c.status,
}
COLUMNS = tuple(field.name for field in fields(Resource))


def create(tx: Transaction, resource: Resource, given_tags: Mapping[str, str]) -> bool:
    """Make it with its tags, unless there is one of that name."""
    row = {name: encode(getattr(resource, name)) for name in COLUMNS}
    row |= {"created_at": resource.created_at, "modified_at": resource.modified_at}
    made = tx.execute(insert(resources).values(row).on_conflict_do_nothing())
    if not made.rowcount:
        return False
    put_tags(tx, resource.arn, given_tags)
    return True


def get(tx: Transaction, resource_id: str) -> Resource | None:
    row = tx.execute(select(resources).where(resources.c.id == resource_id)).first()
    return _resource(row) if row else None


def get_all(tx: Transaction, ids: Sequence[str]) -> dict[str, Resource]:
    """Those of these that there are, by id."""
    rows = tx.execute(select(resources).where(resources.c.id.in_(ids)))
    return {row.id: _resource(row) for row in rows}


def find(tx: Transaction, kind: Kind, account: str, region: str, name: str) -> Resource | None:
    where = and_(
        resources.c.kind == kind.value,
        resources.c.account == account,
        resources.c.region == region,
        resources.c.name == name,
    )
    row = tx.execute(select(resources).where(where)).first()
    return _resource(row) if row else None


def by_arn(tx: Transaction, arn: str) -> Resource | None:
    row = tx.execute(select(resources).where(resources.c.arn == arn)).first()
    return _resource(row) if row else None


def arn_exists(tx: Transaction, arn: str) -> bool:
    return tx.execute(select(resources.c.id).where(resources.c.arn == arn)).first() is not None


def open_ids(tx: Transaction, kind: Kind) -> list[str]:
    """Those that a controller may have something to do for."""
    where = and_(resources.c.kind == kind.value, resources.c.open.is_(True))
    return list(tx.execute(select(resources.c.id).where(where)).scalars())


def open_resources(tx: Transaction, kind: Kind) -> list[Resource]:
    """Those that a controller may have something to do for, the oldest first."""
    where = and_(resources.c.kind == kind.value, resources.c.open.is_(True))
    query = select(resources).where(where).order_by(resources.c.created_at)
    return [_resource(row) for row in tx.execute(query)]


def save(tx: Transaction, resource: Resource) -> bool:
    """Write status and state, if nothing else was written since it was read."""
    return _save(
        tx,
        resource,
        status=resource.status,
        open=resource.open,
        state=encode(resource.state),
    )


def save_request(tx: Transaction, resource: Resource) -> bool:
    """Write what it was asked to be, if nothing else was written since it was read."""
    return _save(tx, resource, request=encode(resource.request))


def _save(tx: Transaction, resource: Resource, **columns: object) -> bool:
    where = and_(resources.c.id == resource.id, resources.c.revision == resource.revision)
    columns |= {"modified_at": resource.modified_at, "revision": resource.revision + 1}
    return bool(tx.execute(update(resources).where(where).values(columns)).rowcount)


def delete(tx: Transaction, resource: Resource) -> bool:
    """Remove it and its tags, if nothing was written since it was read."""
    where = and_(resources.c.id == resource.id, resources.c.revision == resource.revision)
    gone = tx.execute(resources.delete().where(where))
    if not gone.rowcount:
        return False
    tx.execute(tags.delete().where(tags.c.arn == resource.arn))
    return True


def search(tx: Transaction, wanted: Search) -> list[Resource]:
    """A page of what a List operation asks for, and one more if there is a next page."""
    column = SORT_COLUMNS[wanted.sort_by]
    where = [
        resources.c.kind == wanted.kind.value,
        resources.c.account == wanted.account,
        resources.c.region == wanted.region,
        *_filters(wanted),
    ]
    order = (
        (column.desc(), resources.c.id.desc()) if wanted.descending else (column, resources.c.id)
    )
    query = select(resources).where(and_(*where)).order_by(*order).limit(wanted.limit + 1)
    return [_resource(row) for row in tx.execute(query)]


def sort_value(resource: Resource, sort_by: str) -> str:
    """What `Search.after` names of the last resource of a page."""
    if sort_by == "CreationTime":
        return resource.created_at.isoformat()
    return resource.name if sort_by == "Name" else resource.status


def put_tags(tx: Transaction, arn: str, given: Mapping[str, str]) -> None:
    for key, value in given.items():
        row = {"arn": arn, "key": key, "value": value}
        put = insert(tags).values(row)
        tx.execute(put.on_conflict_do_update(index_elements=["arn", "key"], set_={"value": value}))


def create_version(tx: Transaction, group: Resource, version: Resource) -> bool:
    """Make the next version of a group, if nothing was written of it since it was read.

    `group` is as it is after it; `version` has the number that the group says.
    """
    return save(tx, group) and create(tx, version, {})


def is_empty(tx: Transaction, kind: Kind, account: str, region: str, prefix: str) -> bool:
    """Whether no resource's name begins so."""
    wanted = Search(kind=kind, account=account, region=region, prefix=prefix, limit=1)
    return not search(tx, wanted)


def all_with_tags(
    tx: Transaction, kind: Kind, account: str, region: str
) -> list[tuple[Resource, dict[str, str]]]:
    """All of a kind, each with its tags."""
    where = and_(
        resources.c.kind == kind.value,
        resources.c.account == account,
        resources.c.region == region,
    )
    found = [_resource(row) for row in tx.execute(select(resources).where(where))]
    arns = select(resources.c.arn).where(where)
    tagged: dict[str, dict[str, str]] = {one.arn: {} for one in found}
    for row in tx.execute(select(tags).where(tags.c.arn.in_(arns)).order_by(tags.c.key)):
        tagged[row.arn][row.key] = row.value
    return [(one, tagged[one.arn]) for one in found]


def remove_tags(tx: Transaction, arn: str, keys: Sequence[str]) -> None:
    tx.execute(tags.delete().where(and_(tags.c.arn == arn, tags.c.key.in_(keys))))


def tags_of(tx: Transaction, arn: str) -> dict[str, str]:
    rows = tx.execute(
        select(tags.c.key, tags.c.value).where(tags.c.arn == arn).order_by(tags.c.key)
    )
    return {row.key: row.value for row in rows}


def _filters(wanted: Search) -> list[ColumnElement[bool]]:
    filters = [*_by_name(wanted), *_by_member(wanted)]
    bounds = (
        (resources.c.created_at, wanted.created_after, wanted.created_before),
        (resources.c.modified_at, wanted.modified_after, wanted.modified_before),
    )
    for column, after, before in bounds:
        from_then_on = wanted.from_created and column is resources.c.created_at
        filters += [column >= after if from_then_on else column > after] if after else []
        filters += [column < before] if before else []
    if wanted.after:
        column = SORT_COLUMNS[wanted.sort_by]
        value, last = wanted.after
        mark = datetime.fromisoformat(value) if wanted.sort_by == "CreationTime" else value
        beyond = column < mark if wanted.descending else column > mark
        further = resources.c.id < last if wanted.descending else resources.c.id > last
        filters.append(or_(beyond, and_(column == mark, further)))
    return filters


def _by_name(wanted: Search) -> Iterator[ColumnElement[bool]]:
    name = resources.c.name
    if wanted.name_contains:
        yield func.instr(name, wanted.name_contains) > 0
    if wanted.prefix:
        yield name.startswith(wanted.prefix, autoescape=True)
    if wanted.names is not None:
        yield name.in_(wanted.names)
    if wanted.versioned is not None:
        yield (func.instr(name, "/") > 0) == wanted.versioned


def _by_member(wanted: Search) -> Iterator[ColumnElement[bool]]:
    if wanted.status:
        yield resources.c.status == wanted.status
    for path, value in wanted.equal.items():
        column, _, member = path.partition(".")
        yield resources.c[column][member].as_string() == value
    for path in wanted.given:
        column, *inner = path.split(".")
        yield resources.c[column][tuple(inner)].as_integer() > 0
    if wanted.open is not None:
        yield resources.c.open.is_(wanted.open)


def _resource(row: Row[Any]) -> Resource:
    values = {name: getattr(row, name) for name in COLUMNS}
    values["kind"] = Kind(row.kind)
    return Resource(**values)
