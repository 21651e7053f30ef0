"""Records as JSON documents: frozen dataclasses of texts, numbers, times, enums and tuples."""

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

T = TypeVar("T")


def encode(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The record as what `json.dumps` takes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return [encode(item) for item in cast("tuple[Any, ...]", value)]
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, enum.Enum) else value


def decode(record: type[T], document: Mapping[str, Any]) -> T:
    """The record that was encoded. A field that the document lacks takes its default."""
    hints = _hints(record)
    given = {key: _value(hints[key], item) for key, item in document.items() if key in hints}
    return record(**given)


@functools.cache
def _hints(record: type) -> Mapping[str, Any]:
    """The types of a record's fields: to find them out takes longer than to decode it."""
    found = typing.get_type_hints(record)
    return {field.name: found[field.name] for field in dataclasses.fields(cast("Any", record))}


def _value(hint: Any, value: Any) -> Any:  # noqa: ANN401 - JSON
    if value is None:
        return None
    if typing.get_origin(hint) is types.UnionType:
        return _value(typing.get_args(hint)[0], value)
    if typing.get_origin(hint) is tuple:
        return tuple(_value(typing.get_args(hint)[0], item) for item in value)
    if dataclasses.is_dataclass(hint):
        return decode(cast("type[Any]", hint), value)
    return _leaf(hint, value)


def _leaf(hint: Any, value: Any) -> Any:  # noqa: ANN401 - JSON
    if hint is datetime:
        return datetime.fromisoformat(value)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return cast("Callable[[Any], Any]", hint)(value)
    return value
