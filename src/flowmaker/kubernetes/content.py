"""What a manifest says, checked: pure, and strict as `fieldValidation=Strict` asks."""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Any, cast

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes.records import (
    CONFIG_MAP,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    SECRET,
    Document,
    Immutable,
    Kind,
)

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
LONGEST_NAME = 253
#: Kubernetes makes names of five such letters, which make no words.
_SUFFIXES = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = 5
#: Kubernetes keeps a secret below 1 MiB.
LARGEST = 1024 * 1024
METADATA = frozenset(
    {
        "name",
        "generateName",
        "namespace",
        "labels",
        "annotations",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "managedFields",
        "ownerReferences",
        "finalizers",
        "generation",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    }
)


def check_manifest(kind: Kind, manifest: Document) -> None:
    """The envelope: the right kind, a valid name, no field that does not exist.

    Raises:
        InvalidInput: naming the field.
    """
    if manifest.get("apiVersion", "v1") != "v1" or manifest.get("kind", kind.name) != kind.name:
        found = f"{manifest.get('apiVersion')}, Kind={manifest.get('kind')}"
        raise InvalidInput(f"this address takes v1, Kind={kind.name}, not {found}")
    unknown = sorted(set(manifest) - kind.fields - {"apiVersion", "kind", "metadata"})
    if unknown:
        raise InvalidInput(f'strict decoding error: unknown field "{unknown[0]}"')
    meta = mapping(manifest.get("metadata"), "metadata")
    unknown = sorted(set(meta) - METADATA)
    if unknown:
        raise InvalidInput(f'strict decoding error: unknown field "metadata.{unknown[0]}"')
    check_name(kind, meta.get("name"))
    for where in ("labels", "annotations"):
        strings(meta.get(where), f"metadata.{where}")


def named(manifest: Document) -> dict[str, Any]:
    """The manifest of something new, with the name that `generateName` asks for."""
    meta = mapping(manifest.get("metadata"), "metadata")
    prefix = meta.get("generateName")
    if not isinstance(prefix, str) or meta.get("name"):
        return dict(manifest)
    suffix = "".join(secrets.choice(_SUFFIXES) for _ in range(_SUFFIX))
    return {**manifest, "metadata": {**meta, "name": prefix + suffix}}


def plain(kind: Kind, manifest: Document) -> dict[str, Any]:
    """The manifest with a secret's `stringData` among its `data`."""
    if kind != SECRET or not manifest.get("stringData"):
        return dict(manifest)
    texts = strings(manifest["stringData"], "stringData")
    data = {key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}
    rest = {key: value for key, value in manifest.items() if key != "stringData"}
    return {**rest, "data": {**mapping(manifest.get("data"), "data"), **data}}


def check_name(kind: Kind, name: object) -> None:
    """Raises InvalidInput for a name that Kubernetes would not take."""
    if not isinstance(name, str) or not name:
        raise InvalidInput(f"{kind.name} has no metadata.name")
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise InvalidInput(
            f'{kind.name} "{name}" is invalid: metadata.name: Invalid value: "{name}": a lowercase '
            "RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character"
        )


def settle(kind: Kind, manifest: Document) -> dict[str, Any]:
    """What is kept of a manifest beside its metadata, in its final form.

    A secret's `stringData` becomes `data`, its type is `Opaque` unless said otherwise; a
    namespace is Active at once, a claim Bound.
    """
    content = {key: value for key, value in manifest.items() if key in kind.fields and value}
    if kind == NAMESPACE:
        return {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    if kind == SECRET:
        return _settle_secret(content)
    if kind == PERSISTENT_VOLUME_CLAIM:
        return _settle_claim(content)
    assert kind == CONFIG_MAP
    _check_data("binaryData", content.get("binaryData"))
    strings(content.get("data"), "data")
    return content


#: Fields of a claim's spec. The volume is always a folder, whatever the class.
_CLAIM = frozenset({"accessModes", "resources", "storageClassName", "volumeMode", "volumeName"})
_ACCESS = frozenset({"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"})


def _settle_claim(content: dict[str, Any]) -> dict[str, Any]:
    spec = mapping(content.get("spec"), "spec")
    unknown = sorted(set(spec) - _CLAIM)
    if unknown:
        raise InvalidInput(f"spec.{unknown[0]} of a PersistentVolumeClaim is not supported")
    modes: Any = spec.get("accessModes")
    if not isinstance(modes, list) or not modes or not all(each in _ACCESS for each in modes):  # pyright: ignore[reportUnknownVariableType]
        raise InvalidInput(f"spec.accessModes must be a list of some of {sorted(_ACCESS)}")
    resources = mapping(spec.get("resources"), "spec.resources")
    size = mapping(resources.get("requests"), "spec.resources.requests").get("storage")
    if not isinstance(size, str) or not size:
        raise InvalidInput("spec.resources.requests.storage is required, e.g. 1Gi")
    if spec.get("volumeMode", "Filesystem") != "Filesystem":
        raise InvalidInput("spec.volumeMode: only Filesystem is supported")
    return {
        "spec": {"volumeMode": "Filesystem", "volumeName": "", **spec},
        "status": {"phase": "Bound", "accessModes": modes, "capacity": {"storage": size}},
    }


def _settle_secret(content: dict[str, Any]) -> dict[str, Any]:
    data = dict(_check_data("data", content.get("data")))
    for key, value in strings(content.pop("stringData", None), "stringData").items():
        _check_key("stringData", key)
        data[key] = base64.b64encode(value.encode()).decode()
    if sum(map(len, data.values())) > LARGEST:
        raise InvalidInput(f"data: Too long: may not be more than {LARGEST} bytes")
    return {"type": "Opaque", **content, "data": data}


def _check_data(where: str, value: object) -> Mapping[str, str]:
    data = strings(value, where)
    for key, text in data.items():
        _check_key(where, key)
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error:
            raise InvalidInput(
                f"{where}.{key}: illegal base64 data; write plain text under stringData instead"
            ) from None
    return data


def _check_key(where: str, key: str) -> None:
    if not KEY.fullmatch(key):
        raise InvalidInput(
            f"{where}: Invalid value: {key!r}: a valid key must consist of alphanumeric "
            "characters, '-', '_' or '.'"
        )


def check_change(kind: Kind, before: Document, after: Document) -> None:
    """Raises Immutable for a change that Kubernetes does not allow."""
    if before.get("immutable") and before != after:
        raise Immutable(f"{kind.name}: data: Forbidden: field is immutable when `immutable` is set")
    if kind == PERSISTENT_VOLUME_CLAIM and _fixed(before) != _fixed(after):
        raise Immutable(
            "PersistentVolumeClaim: spec: Forbidden: spec is immutable after creation except "
            "resources.requests"
        )
    if kind == SECRET and before.get("type") != after.get("type"):
        raise Immutable(
            f"Secret: type: Invalid value: {after.get('type')!r}: field is immutable; "
            "delete the secret and create it anew"
        )


def _fixed(claim: Document) -> dict[str, Any]:
    return {key: value for key, value in claim["spec"].items() if key != "resources"}


def merge(target: Document, patch: Document) -> dict[str, Any]:
    """A JSON merge patch, which for these kinds is what a strategic merge does too.

    Directives of the strategic form (`$patch`, `$retainKeys`, …) are refused by name.
    """
    merged = dict(target)
    for key, value in patch.items():
        if key.startswith("$"):
            raise InvalidInput(f"the patch directive {key} is not supported; use a plain merge")
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            inner = merged.get(key)
            merged[key] = merge(
                cast("Document", inner) if isinstance(inner, dict) else {},
                cast("Document", value),
            )
        else:
            merged[key] = value
    return merged


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """`value` as a mapping; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{where} must be a mapping, not {type(value).__name__}")
    return cast("Mapping[str, Any]", value)


def strings(value: object, where: str) -> Mapping[str, str]:
    """`value` as a mapping of strings."""
    found = mapping(value, where)
    for key, text in found.items():
        if not isinstance(text, str):
            raise InvalidInput(
                f"{where}.{key} must be a string, not {type(text).__name__}: quote it"
            )
    return cast("Mapping[str, str]", found)
