"""What `kubectl explain` tells of each kind: its fields, and what they are here."""

from collections.abc import Mapping
from typing import Any

from flowmaker.kubernetes.records import KINDS

_TEXT: Mapping[str, Any] = {"type": "string"}
_FLAG: Mapping[str, Any] = {"type": "boolean"}
_NUMBER: Mapping[str, Any] = {"type": "integer", "format": "int32"}
_TIME: Mapping[str, Any] = {"type": "string", "format": "date-time"}


def _map(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of}


def _list(of: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


def _object(text: str, **properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "description": text, "properties": properties}


def _told(of: Mapping[str, Any], text: str) -> dict[str, Any]:
    return {**of, "description": text}


_METADATA = _object(
    "What every object has.",
    name=_told(_TEXT, "The object's name, which is its own in its namespace."),
    generateName=_told(_TEXT, "What a made-up name begins with, where there is no name."),
    namespace=_told(_TEXT, "The namespace that it is in."),
    labels=_told(_map(_TEXT), "What it is selected by."),
    annotations=_told(_map(_TEXT), "What else is to be remembered of it."),
    uid=_told(_TEXT, "Its own among all objects ever."),
    resourceVersion=_told(_TEXT, "Another after each change."),
    creationTimestamp=_told(_TIME, "When it was made."),
    managedFields=_told(_list({"type": "object"}), "Who wrote which fields."),
)
_CLAIM = _object(
    "What is wanted of the volume, which is always a folder of this machine.",
    accessModes=_told(_list(_TEXT), "ReadWriteOnce and its like: shown, not enforced."),
    resources=_told(
        _object("Its size.", requests=_told(_map(_TEXT), "`storage`: shown, not enforced.")),
        "Its size.",
    ),
    storageClassName=_told(_TEXT, "Shown; the volume is a folder whatever it is."),
    volumeMode=_told(_TEXT, "Filesystem."),
    volumeName=_told(_TEXT, "Shown; no volume is chosen by it."),
)
_CONTAINER = _object(
    "How the process is.",
    name=_told(_TEXT, "main."),
    ready=_told(_FLAG, "Whether it runs."),
    restartCount=_told(_NUMBER, "0: each attempt of a task is a pod of its own."),
    state=_told({"type": "object"}, "waiting, running, or terminated with an exitCode."),
)
#: Descriptions and fields of the kinds, beside apiVersion, kind and metadata.
_KINDS: Mapping[str, tuple[str, Mapping[str, Mapping[str, Any]]]] = {
    "Namespace": (
        "A namespace keeps objects apart. All that is in it goes with it.",
        {
            "spec": _object("Its finalizers.", finalizers=_list(_TEXT)),
            "status": _object("How it is.", phase=_told(_TEXT, "Active.")),
        },
    ),
    "Secret": (
        "Values that are given to tasks as variables or files.",
        {
            "data": _told(_map({"type": "string", "format": "byte"}), "Values in base64, by key."),
            "stringData": _told(_map(_TEXT), "Values in plain text: written, never read."),
            "type": _told(_TEXT, "Opaque, or what programs expect. It does not change."),
            "immutable": _told(_FLAG, "Whether its data may not change any more."),
        },
    ),
    "ConfigMap": (
        "Settings that are given to tasks as variables or files.",
        {
            "data": _told(_map(_TEXT), "Values by key."),
            "binaryData": _told(_map({"type": "string", "format": "byte"}), "Values in base64."),
            "immutable": _told(_FLAG, "Whether its data may not change any more."),
        },
    ),
    "PersistentVolumeClaim": (
        "A folder that outlives runs, which tasks mount.",
        {
            "spec": _CLAIM,
            "status": _object(
                "How it is.",
                phase=_told(_TEXT, "Bound."),
                accessModes=_list(_TEXT),
                capacity=_map(_TEXT),
            ),
        },
    ),
    "Pod": (
        "A process of a pipeline's task: looked at only.",
        {
            "spec": _object(
                "What it is made of.",
                containers=_list(_object("The one container, main.", name=_TEXT)),
                nodeName=_told(_TEXT, "This machine."),
                restartPolicy=_told(_TEXT, "Never."),
            ),
            "status": _object(
                "How it is.",
                phase=_told(_TEXT, "Pending, Running, Succeeded or Failed."),
                message=_told(_TEXT, "Why the task failed."),
                startTime=_told(_TIME, "When it was started."),
                containerStatuses=_list(_CONTAINER),
            ),
        },
    ),
}


def all_of_them() -> dict[str, Any]:
    """The schemas of OpenAPI, by their names there."""
    assert KINDS.keys() <= {_plural(name) for name in _KINDS}, "every kind is explained"
    return {f"io.k8s.api.core.v1.{name}": _schema(name) for name in _KINDS}


def _schema(name: str) -> dict[str, Any]:
    text, fields = _KINDS[name]
    head = {
        "apiVersion": _told(_TEXT, "v1."),
        "kind": _told(_TEXT, f"{name}."),
        "metadata": _METADATA,
    }
    return {
        **_object(text, **head, **fields),
        "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": name}],
    }


def _plural(name: str) -> str:
    return f"{name.lower()}s"
