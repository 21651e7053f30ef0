"""The kinds that exist here, and what an object of one of them is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowmaker.errors import InvalidInput

#: The annotation in which `kubectl apply` remembers what it was given, values and all.
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

Document = Mapping[str, Any]
#: A field, from the outside in: `("data", "KEY")`.
Path = tuple[str, ...]
#: The operation by which somebody writes, `Apply` or `Update`, and the name of the field manager.
Owner = tuple[str, str]
Owners = Mapping[Owner, frozenset[Path]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of object in the core API group, `v1`."""

    name: str
    plural: str
    short: str
    namespaced: bool
    #: The fields beside apiVersion, kind and metadata; any other is refused.
    fields: frozenset[str]
    #: What objects are selected by, beside their names: a selector's field, and where it is.
    selected_by: Mapping[str, Path] = field(default_factory=dict[str, Path])


NAMESPACE = Kind(
    name="Namespace",
    plural="namespaces",
    short="ns",
    namespaced=False,
    fields=frozenset({"spec", "status"}),
    selected_by={"status.phase": ("status", "phase")},
)
SECRET = Kind(
    name="Secret",
    plural="secrets",
    short="",
    namespaced=True,
    fields=frozenset({"data", "stringData", "type", "immutable"}),
    selected_by={"type": ("type",)},
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
    #: Which fields whom wrote last.
    owners: Owners = field(default_factory=dict[Owner, frozenset[Path]])

    @property
    def selectable(self) -> dict[str, str]:
        """What a field selector sees of it."""
        told = {"metadata.name": self.name, "metadata.namespace": self.namespace}
        for name, path in self.kind.selected_by.items():
            value: Any = self.document
            for part in path:
                value = value[part]
            told[name] = value
        return told

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
