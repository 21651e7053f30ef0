"""Path, query, headers and payload to parameters (sagemaker-runtime, S3)."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, cast

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import ListShape, Shape, Structure
from flowmaker.aws.protocol.parse_json import parse_json
from flowmaker.aws.protocol.parse_xml import parse_document
from flowmaker.aws.protocol.request import Request, text
from flowmaker.aws.protocol.route import Routed
from flowmaker.aws.protocol.scalars import parse_text

#: A header that may be given by another.
LENGTH = "content-length"


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of a request, and where it is."""

    name: str
    shape: Shape
    where: str
    wire_name: str
    #: The same in lower case.
    key: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.wire_name.lower())


def parse_rest(routed: Routed, request: Request, body: bytes, *, xml: bool) -> dict[str, Any]:
    """The parameters; a streaming payload is left out."""
    shape = routed.operation.input_shape
    if shape is None:
        return {}
    parsed: dict[str, Any] = {}
    headers = request.headers
    for member in _outside(shape):
        if member.where == "header" and member.key not in headers and member.key != LENGTH:
            continue  # most headers are not there
        value = _outside_body(member, routed, request)
        if value is not None:
            parsed[member.name] = value
    return parsed | _payload(shape, body, xml=xml)


@lru_cache(maxsize=1024)  # the model is the same for every request
def _outside(shape: Structure) -> tuple[_Member, ...]:
    """The members that are not in the body."""
    return tuple(
        _Member(name, member, where, member.serialization.get("name", name))
        for name, member in shape.members.items()
        if (where := member.serialization.get("location"))
    )


def _outside_body(member: _Member, routed: Routed, request: Request) -> Any:  # noqa: ANN401
    shape, name, where = member.shape, member.wire_name, member.where
    if where == "uri":
        found = routed.labels.get(name, routed.labels.get(member.name))
        return None if found is None else parse_text(shape, found, member.name)
    if where == "querystring":
        return _from_query(name, shape, request)
    if where == "header":
        found = _header(member.key, request)
        return None if found is None else _from_header(name, shape, found)
    return _prefixed(name, request) if where == "headers" else None


def _from_query(name: str, member: Shape, request: Request) -> Any:  # noqa: ANN401
    if member.type_name == "list":
        item = cast("ListShape", member).member
        values = [
            parse_text(item, value, name) for key, value in request.query_pairs if key == name
        ]
        return values or None
    found = request.query.get(name)
    return None if found is None else parse_text(member, found, name)


def _header(name: str, request: Request) -> str | None:
    """A header's value; of an `aws-chunked` body the length is that of the content."""
    if name == LENGTH:
        decoded = request.headers.get("x-amz-decoded-content-length")
        return decoded or request.headers.get(name)
    return request.headers.get(name)


def _from_header(name: str, member: Shape, value: str) -> Any:  # noqa: ANN401
    value = text(value)
    if member.type_name == "list":
        item = cast("ListShape", member).member
        return [parse_text(item, part.strip(), name) for part in value.split(",") if part.strip()]
    if name.lower() == "content-encoding":
        return _real_encoding(value)
    if "enum" in member.metadata:
        return _as_in_model(value, member.metadata["enum"])
    return parse_text(member, value, name, default_time="rfc822")


def _as_in_model(value: str, allowed: list[str]) -> str:
    """S3 reads its words in any case: the C++ SDK writes `x-amz-checksum-mode: enabled`."""
    return next((word for word in allowed if word.lower() == value.lower()), value)


def _real_encoding(value: str) -> str | None:
    """Without `aws-chunked`, which is how the body travels and not what it is."""
    parts = [part.strip() for part in value.split(",")]
    return ",".join(part for part in parts if part.lower() != "aws-chunked") or None


def _prefixed(prefix: str, request: Request) -> dict[str, str] | None:
    """Headers that begin like `x-amz-meta-`, by the rest of their names."""
    found = {
        name[len(prefix) :]: text(value)
        for name, value in request.headers.items()
        if name.startswith(prefix.lower()) and len(name) > len(prefix)
    }
    return found or None


def _payload(shape: Structure, body: bytes, *, xml: bool) -> dict[str, Any]:
    name = shape.serialization.get("payload")
    if name is None:
        return _body_members(shape, body, xml=xml)
    member = shape.members[name]
    if member.serialization.get("streaming") or member.serialization.get("eventstream"):
        return {}
    if member.type_name == "blob":
        return {name: body} if body or name in shape.required_members else {}
    if member.type_name == "string":
        return {name: _decoded(body)} if body else {}
    if not body.strip():
        return {}
    structure = cast("Structure", member)
    return {name: parse_document(structure, body) if xml else parse_json(structure, body)}


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        message = "The request's body is not UTF-8 text."
        raise AwsError("SerializationException", message) from None


def _body_members(shape: Structure, body: bytes, *, xml: bool) -> dict[str, Any]:
    """Without a payload member: what has no other place is in the body."""
    has_body = any("location" not in member.serialization for member in shape.members.values())
    if not has_body or not body.strip():
        return {}
    return parse_document(shape, body) if xml else parse_json(shape, body)
