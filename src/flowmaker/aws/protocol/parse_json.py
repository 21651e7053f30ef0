"""JSON bodies to parameters (json services, and the payloads of rest-json)."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import ListShape, MapShape, Shape, Structure
from flowmaker.aws.protocol.scalars import (
    fitting,
    from_epoch,
    malformed,
    parse_blob,
    parse_float,
    parse_timestamp,
)


def parse_json(shape: Structure | None, body: bytes) -> dict[str, Any]:
    """The parameters of a request whose body is JSON; no body is an empty one.

    Raises:
        AwsError: it is no JSON, or not of the model's types.
    """
    if not body.strip():
        return {}
    if shape is None:
        shape = cast("Structure", _Empty())
    try:
        return cast("dict[str, Any]", parse_value(shape, json.loads(body), ""))
    except (ValueError, RecursionError):
        raise AwsError("SerializationException", "The request's body is not valid JSON.") from None


class _Empty:
    """The input of an operation that takes none."""

    type_name = "structure"
    metadata: dict[str, Any] = {}  # noqa: RUF012 - never written
    members: dict[str, Shape] = {}  # noqa: RUF012 - never written


def parse_value(shape: Shape, value: Any, where: str) -> Any:  # noqa: ANN401
    """One JSON value as the shape's Python type. `where` is for the person who reads an error."""
    return _PARSERS[shape.type_name](shape, value, where)


def join(where: str, name: str) -> str:
    """A path as AWS writes it: members begin in lower case."""
    name = name[:1].lower() + name[1:]
    return f"{where}.{name}" if where else name


def _structure(shape: Shape, value: Any, where: str) -> Any:  # noqa: ANN401
    if shape.metadata.get("document"):
        return value
    if not isinstance(value, dict):
        raise malformed(value, "structure", where)
    members = {
        member.serialization.get("name", name): (name, member)
        for name, member in cast("Structure", shape).members.items()
    }
    parsed: dict[str, Any] = {}
    for key, item in cast("dict[str, Any]", value).items():
        if key not in members:
            raise unknown_member(join(where, key))
        if item is not None:
            name, member = members[key]
            parsed[name] = parse_value(member, item, join(where, name))
    return parsed


def unknown_member(where: str) -> AwsError:
    """Never ignored: whoever sent it meant something by it."""
    message = f"1 validation error detected: '{where}' is not a parameter that is known here."
    return AwsError("ValidationException", message)


def _list(shape: Shape, value: Any, where: str) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        raise malformed(value, "list", where)
    member = cast("ListShape", shape).member
    items = cast("list[Any]", value)
    return [
        parse_value(member, item, f"{where}.{number}.member")
        for number, item in enumerate(items, 1)
        if item is not None
    ]


def _map(shape: Shape, value: Any, where: str) -> dict[str, Any]:  # noqa: ANN401
    if not isinstance(value, dict):
        raise malformed(value, "map", where)
    member = cast("MapShape", shape).value
    items = cast("dict[str, Any]", value)
    return {
        key: parse_value(member, item, f"{where}.{key}.member")
        for key, item in items.items()
        if item is not None
    }


def _string(_: Shape, value: Any, where: str) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise malformed(value, "string", where)
    value.encode()  # half of a surrogate pair is no text: a ValueError
    return value


def _integer(shape: Shape, value: Any, where: str) -> int:  # noqa: ANN401
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise malformed(value, "integer", where)
    return fitting(shape, value, where)


def _float(_: Shape, value: Any, where: str) -> float:  # noqa: ANN401
    if isinstance(value, str) and value in ("NaN", "Infinity", "-Infinity"):
        return parse_float(value, where)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(value, "number", where)
    return float(value)


def _boolean(_: Shape, value: Any, where: str) -> bool:  # noqa: ANN401
    if not isinstance(value, bool):
        raise malformed(value, "boolean", where)
    return value


def _timestamp(shape: Shape, value: Any, where: str) -> datetime:  # noqa: ANN401
    if isinstance(value, str):
        form = shape.serialization.get("timestampFormat", "unixTimestamp")
        return parse_timestamp(value, where, form)
    try:
        return from_epoch(_float(shape, value, where))
    except (OverflowError, ValueError):
        raise malformed(value, "timestamp", where) from None


def _blob(_: Shape, value: Any, where: str) -> bytes:  # noqa: ANN401
    return parse_blob(_string(_, value, where), where)


_PARSERS: dict[str, Callable[[Shape, Any, str], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _float,
    "double": _float,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "blob": _blob,
}
