"""Answers as XML: the bodies of query services and of S3."""

import re
from collections.abc import Mapping
from typing import Any, cast

from flowmaker.aws.protocol.models import ListShape, MapShape, Shape, Structure
from flowmaker.aws.protocol.scalars import write_text
from flowmaker.aws.protocol.write_json import check_members

_SPECIAL = re.compile(r"[&<>\"\x00-\x08\x0b-\x1f\x85\u2028\ufffe\uffff]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"}
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def escape(text: str) -> str:
    """Text between tags or in quotes.

    Control characters become references, as S3 writes them: clients that list odd keys ask for
    `encoding-type=url` because of these.
    """
    return _SPECIAL.sub(lambda match: _NAMED.get(match[0]) or f"&#x{ord(match[0]):x};", text)


def element(name: str, inner: str, attributes: str = "") -> str:
    return f"<{name}{attributes}>{inner}</{name}>"


def namespace(uri: str) -> str:
    return f' xmlns="{escape(uri)}"' if uri else ""


def members(shape: Structure, value: Mapping[str, Any]) -> str:
    """The elements of a structure's members that are set and belong to a body."""
    check_members(shape, value)
    return "".join(
        _member(name, shape.members[name], item)
        for name, item in value.items()
        if item is not None and _in_body(shape.members[name])
    )


def _in_body(member: Shape) -> bool:
    return "location" not in member.serialization and not member.serialization.get("xmlAttribute")


def _member(name: str, shape: Shape, value: Any) -> str:  # noqa: ANN401
    own = shape.serialization.get("name")
    if shape.type_name == "list":
        return _list(own, name, cast("ListShape", shape), value)
    if shape.type_name == "map":
        return _map(own or name, cast("MapShape", shape), value)
    return write_element(own or name, shape, value)


def write_element(name: str, shape: Shape, value: Any) -> str:  # noqa: ANN401
    """One value in an element of that name."""
    if shape.type_name in ("list", "map"):
        return _member(name, shape, value)
    if shape.type_name == "structure":
        structure = cast("Structure", shape)
        return element(name, members(structure, value), _attributes(structure, value))
    return element(name, escape(write_text(shape, value)))


def _attributes(shape: Structure, value: Mapping[str, Any]) -> str:
    """Members that are attributes: only a grantee's `xsi:type`."""
    found = ""
    for name, member in shape.members.items():
        if member.serialization.get("xmlAttribute") and value.get(name) is not None:
            space = shape.serialization.get("xmlNamespace", {})
            found += f' xmlns:{space["prefix"]}="{space["uri"]}"' if "prefix" in space else ""
            found += f' {member.serialization["name"]}="{escape(value[name])}"'
    return found


def _list(own: str | None, name: str, shape: ListShape, value: Any) -> str:  # noqa: ANN401
    item_name = shape.member.serialization.get("name")
    if shape.serialization.get("flattened"):
        return "".join(write_element(own or item_name or name, shape.member, v) for v in value)
    inner = "".join(write_element(item_name or "member", shape.member, v) for v in value)
    return element(own or name, inner)


def _map(name: str, shape: MapShape, value: Mapping[str, Any]) -> str:
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    entries = [
        write_element(key_name, shape.key, key) + write_element(value_name, shape.value, item)
        for key, item in value.items()
    ]
    if shape.serialization.get("flattened"):
        return "".join(element(name, entry) for entry in entries)
    return element(name, "".join(element("entry", entry) for entry in entries))
