"""XML bodies to parameters (S3)."""

from typing import Any, cast
from xml.etree import ElementTree as ET

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import ListShape, MapShape, Shape, Structure
from flowmaker.aws.protocol.parse_json import join
from flowmaker.aws.protocol.scalars import parse_text

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


def malformed_xml() -> AwsError:
    message = (
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
    return AwsError("MalformedXML", message)


class _NoDoctype(ET.TreeBuilder):
    """Entities are how a small document becomes a huge one; no client of S3 needs them."""

    def doctype(self, name: str, pubid: str, system: str) -> None:  # noqa: ARG002
        raise malformed_xml()


def parse_document(shape: Structure, body: bytes) -> dict[str, Any]:
    """The structure that the document's root element holds.

    Raises:
        AwsError: MalformedXML.
    """
    try:
        parser = ET.XMLParser(target=_NoDoctype())  # noqa: S314 - documents with a DOCTYPE are refused
        parser.feed(body)
        root = parser.close()
    except (ET.ParseError, ValueError, LookupError):
        raise malformed_xml() from None
    return _structure(shape, root, "")


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _value(shape: Shape, element: ET.Element, where: str) -> Any:  # noqa: ANN401
    if shape.type_name == "structure":
        return _structure(cast("Structure", shape), element, where)
    if shape.type_name == "list":
        member = cast("ListShape", shape).member
        expected = member.serialization.get("name", "member")
        if any(_name(child) != expected for child in element):
            raise malformed_xml()
        return [_value(member, child, where) for child in element]
    if shape.type_name == "map":
        entries = [_entry(cast("MapShape", shape), child, where) for child in element]
        return dict(entries)
    if len(element):
        raise malformed_xml()
    return _scalar(shape, element.text or "", where)


def _scalar(shape: Shape, text: str, where: str) -> Any:  # noqa: ANN401
    try:
        return parse_text(shape, text, where)
    except AwsError:
        raise malformed_xml() from None


def _entry(shape: MapShape, element: ET.Element, where: str) -> tuple[Any, Any]:
    children = {_name(child): child for child in element}
    key = children.get(shape.key.serialization.get("name", "key"))
    value = children.get(shape.value.serialization.get("name", "value"))
    if key is None or value is None:
        raise malformed_xml()
    return _value(shape.key, key, where), _value(shape.value, value, where)


def _structure(shape: Structure, element: ET.Element, where: str) -> dict[str, Any]:
    members = {_member_name(name, member): (name, member) for name, member in shape.members.items()}
    parsed: dict[str, Any] = {}
    for child in element:
        if _name(child) not in members:
            raise malformed_xml()
        name, member = members[_name(child)]
        inner = join(where, name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            item = cast("ListShape", member).member
            parsed.setdefault(name, []).append(_value(item, child, inner))
        elif member.type_name == "map" and member.serialization.get("flattened"):
            key, value = _entry(cast("MapShape", member), child, inner)
            parsed.setdefault(name, {})[key] = value
        elif name in parsed:
            raise malformed_xml()
        else:
            parsed[name] = _value(member, child, inner)
    return parsed | _attributes(shape, element)


def _member_name(name: str, member: Shape) -> str:
    """The element's name; a flattened list's may be its members' name."""
    own = member.serialization.get("name")
    if own is None and member.type_name == "list" and member.serialization.get("flattened"):
        own = cast("ListShape", member).member.serialization.get("name")
    return own or name


def _attributes(shape: Structure, element: ET.Element) -> dict[str, str]:
    """Members that are attributes: only a grantee's `xsi:type`."""
    found: dict[str, str] = {}
    for name, member in shape.members.items():
        if member.serialization.get("xmlAttribute"):
            attribute = member.serialization["name"].replace("xsi:", _XSI)
            if attribute in element.attrib:
                found[name] = element.attrib[attribute]
    return found
