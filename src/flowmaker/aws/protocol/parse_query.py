"""Forms to parameters: `Tags.member.1.Key=…`, the query protocol of IAM and STS."""

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import ListShape, MapShape, Shape, Structure
from flowmaker.aws.protocol.parse_json import join, unknown_member
from flowmaker.aws.protocol.scalars import malformed, parse_text

#: Of the protocol or of a presigned URL, not of any operation.
_RESERVED = ("Action", "Version")
_SIGNATURE = "X-Amz-"

#: A form's names split at the dots; the value of a name itself is under the empty name.
_Tree = dict[str, Any]


def read_form(body: bytes) -> dict[str, str]:
    """The decoded fields of a form."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=10000)
    except ValueError:
        raise AwsError("MalformedQueryString", "The request's form cannot be read.") from None
    return dict(pairs)


def parse_query(shape: Structure | None, form: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a request whose fields are `form`."""
    tree: _Tree = {}
    for name, value in form.items():
        if name in _RESERVED or name.startswith(_SIGNATURE):
            continue
        node = tree
        for part in name.split("."):
            node = node.setdefault(part, {})
        node[""] = value
    if shape is None:
        for name in tree:
            raise unknown_member(name)
        return {}
    return _structure(shape, tree, "")


def _value(shape: Shape, node: _Tree, where: str) -> Any:  # noqa: ANN401
    if shape.type_name == "structure":
        return _structure(cast("Structure", shape), node, where)
    if shape.type_name == "list":
        return _list(cast("ListShape", shape), node, where)
    if shape.type_name == "map":
        return _map(cast("MapShape", shape), node, where)
    if set(node) != {""}:
        raise malformed(".".join(name for name in node if name), shape.type_name, where)
    return parse_text(shape, node[""], where)


def _structure(shape: Structure, node: _Tree, where: str) -> dict[str, Any]:
    members = {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
    }
    parsed: dict[str, Any] = {}
    for key, inner in node.items():
        if key not in members:
            raise unknown_member(join(where, key))
        name, member = members[key]
        parsed[name] = _value(member, inner, join(where, name))
    return parsed


def _list(shape: ListShape, node: _Tree, where: str) -> list[Any]:
    if set(node) == {""}:  # `Tags=`: an empty list
        return []
    if not shape.serialization.get("flattened"):
        node = _only(node, shape.member.serialization.get("name", "member"), where)
    return [
        _value(shape.member, node[number], f"{where}.{number}.member")
        for number in _numbers(node, where)
    ]


def _map(shape: MapShape, node: _Tree, where: str) -> dict[str, Any]:
    if set(node) == {""}:
        return {}
    if not shape.serialization.get("flattened"):
        node = _only(node, "entry", where)
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    parsed: dict[str, Any] = {}
    for number in _numbers(node, where):
        entry = node[number]
        if set(entry) != {key_name, value_name}:
            raise malformed(sorted(entry), "map entry", where)
        key = _value(shape.key, entry[key_name], where)
        parsed[key] = _value(shape.value, entry[value_name], f"{where}.{key}.member")
    return parsed


def _only(node: _Tree, name: str, where: str) -> _Tree:
    if set(node) != {name}:
        raise malformed(".".join(sorted(node)), "list", where)
    return node[name]


def _numbers(node: _Tree, where: str) -> list[str]:
    if not all(name.isdecimal() for name in node):
        raise malformed(".".join(sorted(node)), "list", where)
    return sorted(node, key=int)
