"""Answers as JSON."""

import base64
import json
import math
from collections.abc import Mapping
from typing import Any, cast

from flowmaker.aws.protocol.models import ListShape, MapShape, Shape, Structure
from flowmaker.aws.protocol.scalars import to_epoch, write_float, write_timestamp


class UnknownMember(TypeError):  # noqa: N818 - a mistake of ours, not an error for a client
    """A handler answered something that the operation's output does not have."""


def write_json(shape: Structure | None, answer: Mapping[str, Any]) -> bytes:
    """The document of a structure; what is unset (absent or None) is left out."""
    document: Any = _structure(shape, answer) if shape else {}
    return json.dumps(document, separators=(",", ":")).encode()


def check_members(shape: Structure | None, answer: Mapping[str, Any]) -> None:
    """Nothing that a handler answers is dropped in silence."""
    unknown = answer.keys() - (shape.members.keys() if shape else set[str]())
    if unknown:
        name = shape.name if shape else "an operation without output"
        raise UnknownMember(f"{name} has no member {', '.join(sorted(unknown))}")


def write_value(shape: Shape, value: Any) -> Any:  # noqa: ANN401
    """A Python value as one that `json` writes."""
    kind = shape.type_name
    if kind == "structure":
        return _structure(cast("Structure", shape), value)
    if kind == "list":
        member = cast("ListShape", shape).member
        return [write_value(member, item) for item in value]
    if kind == "map":
        member = cast("MapShape", shape).value
        return {key: write_value(member, item) for key, item in value.items()}
    return _scalar(shape, value)


def _structure(shape: Structure, value: Mapping[str, Any]) -> Any:  # noqa: ANN401
    if shape.metadata.get("document"):
        return value
    check_members(shape, value)
    return {
        shape.members[name].serialization.get("name", name): write_value(shape.members[name], item)
        for name, item in value.items()
        if item is not None
    }


def _scalar(shape: Shape, value: Any) -> Any:  # noqa: ANN401
    kind = shape.type_name
    if kind == "timestamp":
        form = shape.serialization.get("timestampFormat", "unixTimestamp")
        return to_epoch(value) if form == "unixTimestamp" else write_timestamp(value, form)
    if kind == "blob":
        return base64.b64encode(value).decode()
    if kind in ("float", "double"):
        return float(value) if math.isfinite(value) else write_float(value)
    if kind in ("integer", "long"):
        return int(value)
    return bool(value) if kind == "boolean" else str(value)
