"""The SQL of what became of objects: versions are numbered by it, and watches go on from one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select

from flowmaker.kubernetes.records import APPLIED, Kind, KubernetesObject
from flowmaker.store.database import Transaction
from flowmaker.store.schema.kubernetes import kubernetes_changes as table
from flowmaker.store.schema.kubernetes import kubernetes_objects as objects

#: Changes that are remembered.
KEPT = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What became of one object."""

    version: int
    namespace: str
    name: str
    #: None: it was not there.
    labels_before: Mapping[str, str] | None
    #: The object without its values, when it has gone.
    gone: KubernetesObject | None


def version(tx: Transaction) -> int:
    """The version of the whole: that of its latest change."""
    latest = tx.execute(select(func.max(table.c.version))).scalar()
    return latest or tx.execute(select(func.max(objects.c.resource_version))).scalar() or 1


def note(tx: Transaction, made: KubernetesObject, before: KubernetesObject | None) -> int:
    """That the object was made, or changed from what it was before: its version."""
    labels = None if before is None else dict(before.labels)
    return _add(tx, made, labels_before=labels)


def note_removal(tx: Transaction, gone: KubernetesObject) -> int:
    """That it has gone. The values of a secret are not remembered, only which there were."""
    told = {
        "uid": gone.uid,
        "created_at": gone.created_at.isoformat(),
        "labels": dict(gone.labels),
        "annotations": {key: text for key, text in gone.annotations.items() if key != APPLIED},
        "document": _without_values(gone.document),
    }
    return _add(tx, gone, labels_before=dict(gone.labels), gone=told)


def since(tx: Transaction, kind: Kind, namespace: str, seen: int) -> Sequence[Change] | None:
    """What became of the kind's objects after a version; None when that is not known any more.

    In a namespace, or in every one when it is empty.
    """
    first = tx.execute(select(func.min(table.c.version))).scalar()
    known = version(tx) if first is None else first - 1
    if not known <= seen <= version(tx):
        return None
    query = select(table).where(table.c.version > seen, table.c.kind == kind.name)
    if namespace:
        query = query.where(table.c.namespace == namespace)
    return [_change(kind, row) for row in tx.execute(query.order_by(table.c.version)).mappings()]


def _add(tx: Transaction, of: KubernetesObject, **values: Any) -> int:  # noqa: ANN401 - columns
    number = version(tx) + 1
    tx.execute(
        insert(table).values(
            version=number, kind=of.kind.name, namespace=of.namespace, name=of.name, **values
        )
    )
    tx.execute(delete(table).where(table.c.version <= number - KEPT))
    return number


def _change(kind: Kind, row: Any) -> Change:  # noqa: ANN401 - SQLAlchemy's row
    told = row["gone"]
    gone = None
    if told is not None:
        gone = KubernetesObject(
            kind=kind,
            namespace=row["namespace"],
            name=row["name"],
            uid=told["uid"],
            created_at=datetime.fromisoformat(told["created_at"]),
            labels=told["labels"],
            annotations=told["annotations"],
            document=told["document"],
            resource_version=row["version"],
        )
    return Change(
        version=row["version"],
        namespace=row["namespace"],
        name=row["name"],
        labels_before=row["labels_before"],
        gone=gone,
    )


def _without_values(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: dict.fromkeys(_keys(value), "") if key in ("data", "binaryData") else value
        for key, value in document.items()
    }


def _keys(value: Iterable[str]) -> list[str]:
    return [*value]
