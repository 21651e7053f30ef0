"""The kinds that exist here, and what an object of one of them is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowmaker.errors import InvalidInput

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of object in the core API group, `v1`."""

    name: str
    plural: str
    short: str
    namespaced: bool
    #: The fields beside apiVersion, kind and metadata; any other is refused.
    fields: frozenset[str]


NAMESPACE = Kind(
    name="Namespace",
    plural="namespaces",
    short="ns",
    namespaced=False,
    fields=frozenset({"spec", "status"}),
)
SECRET = Kind(
    name="Secret",
    plural="secrets",
    short="",
    namespaced=True,
    fields=frozenset({"data", "stringData", "type", "immutable"}),
)
CONFIG_MAP = Kind(
    name="ConfigMap",
    plural="configmaps",
    short="cm",
    namespaced=True,
    fields=frozenset({"data", "binaryData", "immutable"}),
)
PERSISTENT_VOLUME_CLAIM = Kind(
    name="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    short="pvc",
    namespaced=True,
    fields=frozenset({"spec", "status"}),
)

KINDS: Mapping[str, Kind] = {
    kind.plural: kind for kind in (NAMESPACE, SECRET, CONFIG_MAP, PERSISTENT_VOLUME_CLAIM)
}


@dataclass(frozen=True, kw_only=True, slots=True)
class KubernetesObject:
    """One namespace, secret, config map or claim."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    created_at: datetime
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])
    #: All that is not metadata, e.g. `{"type": "Opaque", "data": {…base64…}}`.
    document: Document = field(default_factory=dict[str, Any])
    resource_version: int = 0

    def to_json(self) -> dict[str, Any]:
        """As the API writes it."""
        meta: dict[str, Any] = {
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": str(self.resource_version),
            "creationTimestamp": self.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if self.namespace:
            meta["namespace"] = self.namespace
        if self.labels:
            meta["labels"] = dict(self.labels)
        if self.annotations:
            meta["annotations"] = dict(self.annotations)
        return {"apiVersion": "v1", "kind": self.kind.name, "metadata": meta, **self.document}


class Immutable(InvalidInput):
    """A change to an object that says of itself that it does not change."""
