"""The SQL of the Kubernetes sliver."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select, update

from flowmaker.errors import AlreadyExists, FailedPrecondition
from flowmaker.kubernetes.records import KINDS, Kind, KubernetesObject
from flowmaker.kubernetes.repository import changes
from flowmaker.store.database import Transaction
from flowmaker.store.schema.kubernetes import kubernetes_objects as table
from flowmaker.store.schema.kubernetes import kubernetes_removals as removals

#: How long it is known who removed what: until the remover has written that it did.
REMEMBERED = timedelta(days=7)
_KINDS = {kind.name: kind for kind in KINDS.values()}


def get(tx: Transaction, kind: Kind, namespace: str, name: str) -> KubernetesObject | None:
    row = tx.execute(select(table).where(*_is(kind, namespace, name))).mappings().first()
    return _from_row(row) if row else None


def listing(tx: Transaction, kind: Kind, namespace: str) -> Sequence[KubernetesObject]:
    """All of a kind in a namespace, or in every namespace when it is empty."""
    query = select(table).where(table.c.kind == kind.name)
    if namespace:
        query = query.where(table.c.namespace == namespace)
    rows = tx.execute(query.order_by(table.c.namespace, table.c.name)).mappings()
    return [_from_row(row) for row in rows]


def namespaces_of(tx: Transaction, kind: str, name: str) -> Sequence[str]:
    """The namespaces that have an object of that kind, e.g. `Secret`, and name."""
    named = select(table.c.namespace).where(table.c.kind == kind, table.c.name == name)
    return tx.execute(named.order_by(table.c.namespace)).scalars().all()


def create(tx: Transaction, made: KubernetesObject) -> KubernetesObject:
    """Raises AlreadyExists when there is one of that name."""
    if get(tx, made.kind, made.namespace, made.name):
        raise AlreadyExists(f'{made.kind.plural} "{made.name}" already exists')
    version = changes.note(tx, made, None)
    tx.execute(
        insert(table).values(
            kind=made.kind.name,
            namespace=made.namespace,
            name=made.name,
            uid=made.uid,
            created_at=made.created_at,
            **_content(made),
            resource_version=version,
        )
    )
    return _reload(tx, made)


def ensure_made_by(tx: Transaction, made: KubernetesObject) -> None:
    """Create it, unless that was done before: it is known by its uid.

    Raises:
        AlreadyExists: there is another of that name.
    """
    before = get(tx, made.kind, made.namespace, made.name)
    if before is None or before.uid != made.uid:
        create(tx, made)


def replace(tx: Transaction, changed: KubernetesObject) -> KubernetesObject:
    """Write `changed` over the version that it was made from.

    Raises:
        FailedPrecondition: somebody else changed it since.
    """
    before = get(tx, changed.kind, changed.namespace, changed.name)
    if before is None or before.resource_version != changed.resource_version:
        raise FailedPrecondition(
            f'Operation cannot be fulfilled on {changed.kind.plural} "{changed.name}": the object '
            "has been modified; please apply your changes to the latest version and try again"
        )
    tx.execute(
        update(table)
        .where(*_is(changed.kind, changed.namespace, changed.name))
        .values(**_content(changed), resource_version=changes.note(tx, changed, before))
    )
    return _reload(tx, changed)


def remove(tx: Transaction, kind: Kind, namespace: str, name: str) -> bool:
    """Whether there was one. All that is in a namespace goes with it."""
    found = get(tx, kind, namespace, name)
    if found is None:
        return False
    inside = () if kind.namespaced else listing_of_namespace(tx, name)
    for each in (*inside, found):
        changes.note_removal(tx, each)
        tx.execute(delete(table).where(*_is(each.kind, each.namespace, each.name)))
    return True


def ensure_removed_by(
    tx: Transaction, kind: Kind, namespace: str, name: str, remover: str, now: datetime
) -> bool:
    """Whether there was one for `remover` to remove, now or when it did so before."""
    before = (removals.c.remover == remover) & (removals.c.name == name)
    if not remove(tx, kind, namespace, name):
        return tx.execute(select(removals.c.remover).where(before)).first() is not None
    tx.execute(delete(removals).where(before | (removals.c.removed_at < now - REMEMBERED)))
    tx.execute(insert(removals).values(remover=remover, name=name, removed_at=now))
    return True


def listing_of_namespace(tx: Transaction, namespace: str) -> Sequence[KubernetesObject]:
    """All that is in a namespace."""
    rows = tx.execute(select(table).where(table.c.namespace == namespace)).mappings()
    return [_from_row(row) for row in rows]


def _is(kind: Kind, namespace: str, name: str) -> tuple[Any, ...]:
    return (
        table.c.kind == kind.name,
        table.c.namespace == namespace,
        table.c.name == name,
    )


def _content(made: KubernetesObject) -> dict[str, Any]:
    return {
        "labels": dict(made.labels),
        "annotations": dict(made.annotations),
        "document": dict(made.document),
        "owners": [
            [*owner, [list(path) for path in sorted(paths)]] for owner, paths in made.owners.items()
        ],
    }


def _reload(tx: Transaction, made: KubernetesObject) -> KubernetesObject:
    stored = get(tx, made.kind, made.namespace, made.name)
    assert stored is not None
    return stored


def _from_row(row: RowMapping) -> KubernetesObject:
    owners = {
        (operation, manager): frozenset(tuple(path) for path in paths)
        for operation, manager, paths in row["owners"] or ()
    }
    values: dict[str, Any] = {**row, "kind": _KINDS[row["kind"]], "owners": owners}
    return KubernetesObject(**values)
