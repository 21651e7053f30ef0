"""Persistent volume claims that are not made by kubectl."""

import uuid
from datetime import datetime

from flowmaker.kubernetes import content
from flowmaker.kubernetes.records import PERSISTENT_VOLUME_CLAIM, Document, KubernetesObject


def new_claim(
    namespace: str, name: str, manifest: Document, maker: str, now: datetime
) -> KubernetesObject:
    """The claim that `maker` makes: its uid is the same each time.

    Raises:
        InvalidInput: the manifest is wrong; the message names the field.
    """
    kind = PERSISTENT_VOLUME_CLAIM
    content.check_manifest(kind, manifest)
    return KubernetesObject(
        kind=kind,
        namespace=namespace,
        name=name,
        uid=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{maker}/{name}")),
        created_at=now,
        annotations=manifest["metadata"].get("annotations") or {},
        document=content.settle(kind, manifest),
    )
