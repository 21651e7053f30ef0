"""Kubernetes' protobuf envelope: what kubectl sends when it creates something.

Four magic bytes (`k8s` and a zero), then a message `Unknown` with the type and the object's own
bytes. Only the fields of the kinds that exist here are described; one that is not is refused,
never dropped. Field numbers are those of `generated.proto` in `k8s.io/api/core/v1`, in
`k8s.io/api/authentication/v1`, in `k8s.io/api/authorization/v1` and in `k8s.io/apimachinery`.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from flowmaker.errors import InvalidInput

MAGIC = b"k8s\x00"
CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

_FieldProto = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _FieldProto.TYPE_STRING,
    "bytes": _FieldProto.TYPE_BYTES,
    "bool": _FieldProto.TYPE_BOOL,
    "int64": _FieldProto.TYPE_INT64,
    "int32": _FieldProto.TYPE_INT32,
}

#: Message → its fields, `number: (name, type)`. `map:T` is a map from string to T.
_MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "TypeMeta": {1: ("apiVersion", "string"), 2: ("kind", "string")},
    "Unknown": {
        1: ("typeMeta", "TypeMeta"),
        2: ("raw", "bytes"),
        3: ("contentEncoding", "string"),
        4: ("contentType", "string"),
    },
    "Time": {1: ("seconds", "int64"), 2: ("nanos", "int32")},
    "ObjectMeta": {
        1: ("name", "string"),
        2: ("generateName", "string"),
        3: ("namespace", "string"),
        4: ("selfLink", "string"),
        5: ("uid", "string"),
        6: ("resourceVersion", "string"),
        7: ("generation", "int64"),
        8: ("creationTimestamp", "Time"),
        11: ("labels", "map:string"),
        12: ("annotations", "map:string"),
    },
    "NamespaceSpec": {1: ("finalizers", "list:string")},
    "NamespaceStatus": {1: ("phase", "string")},
    "Namespace": {
        1: ("metadata", "ObjectMeta"),
        2: ("spec", "NamespaceSpec"),
        3: ("status", "NamespaceStatus"),
    },
    "Secret": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "map:bytes"),
        3: ("type", "string"),
        4: ("stringData", "map:string"),
        5: ("immutable", "bool"),
    },
    "ConfigMap": {
        1: ("metadata", "ObjectMeta"),
        2: ("data", "map:string"),
        3: ("binaryData", "map:bytes"),
        4: ("immutable", "bool"),
    },
    "UserInfo": {1: ("username", "string"), 2: ("uid", "string"), 3: ("groups", "list:string")},
    "SelfSubjectReviewStatus": {1: ("userInfo", "UserInfo")},
    "SelfSubjectReview": {1: ("metadata", "ObjectMeta"), 2: ("status", "SelfSubjectReviewStatus")},
    "ResourceAttributes": {
        1: ("namespace", "string"),
        2: ("verb", "string"),
        3: ("group", "string"),
        4: ("version", "string"),
        5: ("resource", "string"),
        6: ("subresource", "string"),
        7: ("name", "string"),
    },
    "NonResourceAttributes": {1: ("path", "string"), 2: ("verb", "string")},
    "SelfSubjectAccessReviewSpec": {
        1: ("resourceAttributes", "ResourceAttributes"),
        2: ("nonResourceAttributes", "NonResourceAttributes"),
    },
    "SubjectAccessReviewStatus": {
        1: ("allowed", "bool"),
        2: ("reason", "string"),
        3: ("evaluationError", "string"),
        4: ("denied", "bool"),
    },
    "SelfSubjectAccessReview": {
        1: ("metadata", "ObjectMeta"),
        2: ("spec", "SelfSubjectAccessReviewSpec"),
        3: ("status", "SubjectAccessReviewStatus"),
    },
    "SelfSubjectRulesReviewSpec": {1: ("namespace", "string")},
    "SubjectRulesReviewStatus": {3: ("incomplete", "bool"), 4: ("evaluationError", "string")},
    "SelfSubjectRulesReview": {
        1: ("metadata", "ObjectMeta"),
        2: ("spec", "SelfSubjectRulesReviewSpec"),
        3: ("status", "SubjectRulesReviewStatus"),
    },
}
#: The kinds that a body may hold.
_KINDS = tuple(
    name for name, fields in _MESSAGES.items() if ("metadata", "ObjectMeta") in fields.values()
)


def decode(body: bytes) -> dict[str, Any]:
    """The manifest that a protobuf body holds, as JSON has it.

    Raises:
        InvalidInput: it is no Kubernetes protobuf, of an unknown kind, or has an unknown field.
    """
    if not body.startswith(MAGIC):
        raise InvalidInput(
            "the body is not in Kubernetes' protobuf form: it must start with k8s\\0"
        )
    envelope = _parse("Unknown", body[len(MAGIC) :])
    kind = envelope.get("typeMeta", {}).get("kind", "")
    if kind not in _KINDS:
        raise InvalidInput(f"there is no kind {kind!r} here; known: {', '.join(_KINDS)}")
    manifest = _parse(kind, _raw(body))
    manifest.get("metadata", {}).pop("creationTimestamp", None)
    return {**envelope["typeMeta"], **manifest}


def _raw(body: bytes) -> bytes:
    envelope = _CLASSES["Unknown"]()
    envelope.ParseFromString(body[len(MAGIC) :])
    return envelope.raw  # type: ignore[attr-defined,no-any-return] - made at run time


def _parse(name: str, raw: bytes) -> dict[str, Any]:
    message = _CLASSES[name]()
    try:
        message.ParseFromString(raw)
    except DecodeError as error:
        raise InvalidInput(f"{name}: the protobuf body cannot be read: {error}") from None
    _refuse_unknown(message, name)
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def _refuse_unknown(message: Message, where: str) -> None:
    for unknown in UnknownFieldSet(message):
        raise InvalidInput(f"{where}: field number {unknown.field_number} is not supported")
    for field, value in message.ListFields():
        if field.message_type and not field.is_repeated:
            _refuse_unknown(value, f"{where}.{field.name}")


def _describe() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(
        name="flowmaker/kubernetes.proto", package="flowmaker.kubernetes", syntax="proto2"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in fields.items():
            _add_field(message, number, field, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}"))
        for name in _MESSAGES
    }


def _add_field(message: descriptor_pb2.DescriptorProto, number: int, name: str, kind: str) -> None:
    shape, _, inner = kind.rpartition(":")
    added = message.field.add(name=name, number=number, json_name=name)
    added.label = _FieldProto.LABEL_REPEATED if shape else _FieldProto.LABEL_OPTIONAL
    if shape == "map":
        entry_name = f"{name[0].upper()}{name[1:]}Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        _add_field(entry, 1, "key", "string")
        _add_field(entry, 2, "value", inner)
        added.type = _FieldProto.TYPE_MESSAGE
        added.type_name = f".flowmaker.kubernetes.{message.name}.{entry_name}"
    elif inner in _TYPES:
        added.type = _TYPES[inner]
    else:
        added.type = _FieldProto.TYPE_MESSAGE
        added.type_name = f".flowmaker.kubernetes.{inner}"


_CLASSES = _describe()
