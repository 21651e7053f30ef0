"""The SQL of the Kubernetes sliver."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, func, insert, select, update

from flowmaker.errors import AlreadyExists, FailedPrecondition
from flowmaker.kubernetes.records import KINDS, Kind, KubernetesObject
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


def create(tx: Transaction, made: KubernetesObject) -> KubernetesObject:
    """Raises AlreadyExists when there is one of that name."""
    if get(tx, made.kind, made.namespace, made.name):
        raise AlreadyExists(f'{made.kind.plural} "{made.name}" already exists')
    version = _next_version(tx)
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
    stored = tx.execute(
        update(table)
        .where(
            *_is(changed.kind, changed.namespace, changed.name),
            table.c.resource_version == changed.resource_version,
        )
        .values(**_content(changed), resource_version=_next_version(tx))
    )
    if stored.rowcount == 0:
        raise FailedPrecondition(
            f'Operation cannot be fulfilled on {changed.kind.plural} "{changed.name}": the object '
            "has been modified; please apply your changes to the latest version and try again"
        )
    return _reload(tx, changed)


def remove(tx: Transaction, kind: Kind, namespace: str, name: str) -> bool:
    """Whether there was one. All that is in a namespace goes with it."""
    if not kind.namespaced:
        tx.execute(delete(table).where(table.c.namespace == name))
    return tx.execute(delete(table).where(*_is(kind, namespace, name))).rowcount > 0


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


def version(tx: Transaction) -> int:
    """The version of the whole: that of its latest change."""
    return tx.execute(select(func.max(table.c.resource_version))).scalar() or 1


def _next_version(tx: Transaction) -> int:
    return version(tx) + 1


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
    }


def _reload(tx: Transaction, made: KubernetesObject) -> KubernetesObject:
    stored = get(tx, made.kind, made.namespace, made.name)
    assert stored is not None
    return stored


def _from_row(row: RowMapping) -> KubernetesObject:
    values: dict[str, Any] = {**row, "kind": _KINDS[row["kind"]]}
    return KubernetesObject(**values)
