"""What of kfp.kubernetes is executed: KubernetesExecutorConfig. All else is refused by name."""

import re
from collections.abc import Mapping
from typing import Any

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.placement import PLACEMENT, check_placement
from flowmaker.pipelines.ir.protobuf import canonical
from flowmaker.pipelines.ir.supported import check_source, unsupported
from flowmaker.pipelines.records.catalog import Document

#: Lists of messages, and the fields that each message may have.
_LISTS = {
    "secretAsEnv": {"secretName", "secretNameParameter", "keyToEnv", "optional"},
    "secretAsVolume": {"secretName", "secretNameParameter", "mountPath", "optional"},
    "configMapAsEnv": {"configMapName", "configMapNameParameter", "keyToEnv", "optional"},
    "configMapAsVolume": {"configMapName", "configMapNameParameter", "mountPath", "optional"},
    "fieldPathAsEnv": {"name", "fieldPath"},
    "pvcMount": {
        "pvcNameParameter",
        "constant",
        "componentInputParameter",
        "taskOutputParameter",
        "mountPath",
        "subPath",
    },
    "emptyDirMounts": {"volumeName", "mountPath", "medium", "sizeLimit"},
    "genericEphemeralVolume": {
        "volumeName",
        "mountPath",
        "accessModes",
        "size",
        "defaultStorageClass",
        "storageClassName",
        "metadata",
    },
}
#: Messages, and the fields that each may have.
_MESSAGES = {
    "podMetadata": {"labels", "annotations"},
    "enabledSharedMemory": {"volumeName", "size"},
}
#: What a cluster would use to choose a node, to get an image, or to choose the user. It is said
#: in the task's log that nothing comes of it.
WITHOUT_EFFECT = (*PLACEMENT, "imagePullSecret", "securityContext")
#: Of volumes: what a cluster would use to choose the storage. The log says so too.
VOLUME_WITHOUT_EFFECT = {
    "emptyDirMounts": ("medium",),
    "genericEphemeralVolume": ("accessModes", "storageClassName", "defaultStorageClass"),
}
#: As those, but nobody expects anything of it.
_SILENT = ("imagePullPolicy",)
#: Messages that name an object of Kubernetes: the word for it, and its field of that name.
NAMED = {
    "secretAsEnv": ("secret", "secretName"),
    "secretAsVolume": ("secret", "secretName"),
    "configMapAsEnv": ("config map", "configMapName"),
    "configMapAsVolume": ("config map", "configMapName"),
}
_KEYS = {"secretAsEnv": "secretKey", "configMapAsEnv": "configMapKey"}
_MOUNTED = (
    "pvcMount",
    "secretAsVolume",
    "configMapAsVolume",
    "emptyDirMounts",
    "genericEphemeralVolume",
)
#: The parts of a task's configuration that fields of KubernetesExecutorConfig belong to. What is of
#: the pod alone, as empty folders are, is of none: nobody else is told of it.
PARTS = {
    "secretAsEnv": "ENV",
    "configMapAsEnv": "ENV",
    "fieldPathAsEnv": "ENV",
    "secretAsVolume": "KUBERNETES_VOLUMES",
    "configMapAsVolume": "KUBERNETES_VOLUMES",
    "pvcMount": "KUBERNETES_VOLUMES",
    "nodeSelector": "KUBERNETES_NODE_SELECTOR",
    "tolerations": "KUBERNETES_TOLERATIONS",
    "nodeAffinity": "KUBERNETES_AFFINITY",
    "podAffinity": "KUBERNETES_AFFINITY",
}
#: Fields of a pod that an environment variable can show.
FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
#: Entries of its labels or its annotations, e.g. `metadata.labels['team']`.
ENTRY = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")
_VOLUME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def check_kubernetes(where: str, executor: Document) -> None:
    """KubernetesExecutorConfig.

    Raises:
        InvalidInput: it is not well-formed.
        Unsupported: it has something that is not executed.
    """
    if not isinstance(executor, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InvalidInput(f"{where} has a Kubernetes configuration that is not an object")
    for field, value in executor.items():
        _check_part(where, executor, field, value)
    for each in ("labels", "annotations"):
        _check_texts(where, each, executor.get("podMetadata", {}).get(each, {}))
    _check_places(where, executor)


def _check_part(where: str, executor: Document, field: str, value: object) -> None:
    if field in _LISTS:
        for message in _listed(where, executor, field):
            _check_fields(where, field, message, _LISTS[field])
            _check_message(where, field, message)
    elif field in _MESSAGES:
        _check_fields(where, field, _object(where, field, value), _MESSAGES[field])
    elif field == "activeDeadlineSeconds":
        _check_deadline(where, value)
    elif field in PLACEMENT:
        check_placement(where, field, value)
    elif field not in (*WITHOUT_EFFECT, *_SILENT):
        raise unsupported(where, f"{field} (kfp.kubernetes)")


def _check_fields(where: str, field: str, message: Document, known: set[str]) -> None:
    for each in message:
        if each not in known:
            raise unsupported(where, f"{each} of {field} (kfp.kubernetes)")


def _check_message(where: str, field: str, message: Document) -> None:
    if field in NAMED:
        _check_name(where, field, message)
    if field in _KEYS:
        for pair in _listed(where, message, "keyToEnv"):
            if not {_KEYS[field], "envVar"} <= pair.keys():
                raise InvalidInput(
                    f"{where}: an entry of keyToEnv lacks its {_KEYS[field]} or envVar"
                )
    if field in _MOUNTED:
        _check_mount(where, field, message)
    if field == "pvcMount":
        _check_claim(where, message)
    if field == "fieldPathAsEnv":
        _check_field_path(where, message)


def _check_name(where: str, field: str, message: Document) -> None:
    kind, name = NAMED[field]
    source = message.get(f"{name}Parameter")
    if source is not None:
        what = f"{name}Parameter"
        check_source(where, what, canonical(source, "TaskInputsSpec.InputParameterSpec", what))
    elif not isinstance(message.get(name), str) or not message[name]:
        raise InvalidInput(f"{where} has a {field} of a {kind} with no name")


def claim_source(message: Document) -> Document:
    """The InputParameterSpec of the claim's name that a PvcMount has, in its older form too."""
    if "pvcNameParameter" in message:
        return message["pvcNameParameter"]
    for field in ("componentInputParameter", "taskOutputParameter"):
        if field in message:
            return {field: message[field]}
    return {"runtimeValue": {"constant": message.get("constant", "")}}


def _check_claim(where: str, message: Document) -> None:
    what = "pvcNameParameter"
    source = canonical(claim_source(message), "TaskInputsSpec.InputParameterSpec", what)
    check_source(where, what, source)
    path = message.get("subPath", "")
    if not isinstance(path, str) or path.startswith("/") or ".." in path.split("/"):
        raise InvalidInput(f"{where} has the subPath {path!r}: it must be relative, without ..")


def _check_mount(where: str, field: str, message: Document) -> None:
    path = message.get("mountPath")
    parts = path.split("/") if isinstance(path, str) else []
    if len(parts) < 2 or parts[0] or ".." in parts or not any(parts):  # noqa: PLR2004
        raise InvalidInput(
            f"{where} has a {field} whose mountPath is {path!r}: it must be an absolute path, "
            "below / and without .."
        )
    if "volumeName" in _LISTS[field]:
        name = message.get("volumeName")
        if not isinstance(name, str) or not _VOLUME.fullmatch(name):
            raise InvalidInput(
                f"{where} has a {field} whose volumeName is {name!r}: at most 63 lower case "
                "letters, digits and '-'"
            )


def _check_places(where: str, executor: Document) -> None:
    """As in a pod, no two things are mounted at one place, and no two volumes have one name."""
    mounts = [each for field in _MOUNTED for each in executor.get(field, ())]
    paths = ["/".join(part for part in each["mountPath"].split("/") if part) for each in mounts]
    names = [each["volumeName"] for each in mounts if "volumeName" in each]
    for path in paths:
        if paths.count(path) > 1:
            raise InvalidInput(f"{where} mounts more than one thing at /{path}")
    for name in names:
        if names.count(name) > 1:
            raise InvalidInput(f"{where} has more than one volume of the name {name}")


def _check_field_path(where: str, message: Document) -> None:
    path = message.get("fieldPath")
    if not isinstance(message.get("name"), str) or not isinstance(path, str):
        raise InvalidInput(f"{where} has a fieldPathAsEnv without a name or a fieldPath")
    if path not in FIELDS and not ENTRY.fullmatch(path):
        known = ", ".join((*FIELDS, "metadata.labels['KEY']", "metadata.annotations['KEY']"))
        raise unsupported(where, f"the field path {path} (kfp.kubernetes; known: {known})")


def _check_deadline(where: str, value: object) -> None:
    if not re.fullmatch(r"\d{1,18}", str(value)):
        raise InvalidInput(
            f"{where} has {value!r} as its activeDeadlineSeconds: it must be whole seconds"
        )


def _check_texts(where: str, field: str, value: object) -> None:
    entries: Mapping[Any, Any] = _object(where, field, value)
    if not all(isinstance(each, str) for each in entries.values()):
        raise InvalidInput(f"{where} has {field} in its podMetadata that are not all text")


def _object(where: str, field: str, value: object) -> Document:
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{where} has a {field} that is not an object")
    return value  # pyright: ignore[reportUnknownVariableType]


def _listed(where: str, document: Document, field: str) -> list[Document]:
    value = document.get(field, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):  # pyright: ignore[reportUnknownVariableType]
        raise InvalidInput(f"{where} has a {field} that is not a list of objects")
    return value  # pyright: ignore[reportUnknownVariableType]
