"""JSON Patch (RFC 6902): what `kubectl patch --type=json` sends. Pure."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes.records import Document

#: Operations at most, as the API server has it.
MOST = 10_000
_Operation = Callable[[Any, Mapping[str, Any]], Any]


def patched(document: Document, patch: object) -> dict[str, Any]:
    """The document after all the operations of a patch.

    Raises:
        InvalidInput: it is no patch, or an operation does not fit; nothing is changed then.
    """
    if not isinstance(patch, list):
        raise InvalidInput("a JSON patch is a list of operations")
    operations = cast("list[Any]", patch)
    if len(operations) > MOST:
        raise InvalidInput(f"a JSON patch has at most {MOST} operations")
    changed: Any = copy.deepcopy(dict(document))
    for number, one in enumerate(operations):
        try:
            changed = _apply(changed, one)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise InvalidInput(f"operation {number} of the JSON patch: {_said(error)}") from None
    if not isinstance(changed, dict):
        raise InvalidInput("the JSON patch leaves no object")
    return cast("dict[str, Any]", changed)


def _said(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"there is no {error.args[0]!r}"
    return str(error)


def _apply(document: Any, operation: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(operation, dict):
        raise TypeError("an operation is an object")
    fields = cast("dict[str, Any]", operation)
    name = fields.get("op")
    if not isinstance(name, str) or name not in _OPERATIONS:
        raise ValueError(f"op must be one of {', '.join(sorted(_OPERATIONS))}, not {name!r}")
    return _OPERATIONS[name](document, fields)


def _add(document: Any, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    return _put(document, _path(fields["path"]), copy.deepcopy(fields["value"]))


def _remove(document: Any, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    *way, last = _path(fields["path"])
    parent = _at(document, way)
    if isinstance(parent, list):
        items = cast("list[Any]", parent)
        del items[_index(items, last, len(items) - 1)]
    else:
        del parent[last]
    return document


def _replace(document: Any, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    path = _path(fields["path"])
    _at(document, path)  # what is not there cannot be replaced
    if not path:
        return copy.deepcopy(fields["value"])
    parent: Any = _at(document, path[:-1])
    where: Any = int(path[-1]) if isinstance(parent, list) else path[-1]
    parent[where] = copy.deepcopy(fields["value"])
    return document


def _move(document: Any, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    source, target = _path(fields["from"]), _path(fields["path"])
    if source != target and target[: len(source)] == source:
        raise ValueError(f"{fields['from']} cannot be moved into itself")
    value = _at(document, source)
    return _put(_remove(document, {"path": fields["from"]}), target, value)


def _copy(document: Any, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    value = copy.deepcopy(_at(document, _path(fields["from"])))
    return _put(document, _path(fields["path"]), value)


def _test(document: Any, fields: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    if _at(document, _path(fields["path"])) != fields["value"]:
        raise ValueError(f"the test of {fields['path']} failed")
    return document


_OPERATIONS: Mapping[str, _Operation] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}


def _path(pointer: object) -> list[str]:
    """A JSON pointer (RFC 6901), in its parts."""
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise ValueError(f"{pointer!r} is no JSON pointer: it begins with a slash")
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _at(document: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - JSON
    found = document
    for part in path:
        if isinstance(found, list):
            items = cast("list[Any]", found)
            found = items[_index(items, part, len(items) - 1)]
        elif isinstance(found, dict):
            found = cast("dict[str, Any]", found)[part]
        else:
            raise KeyError(part)
    return found


def _put(document: Any, path: Sequence[str], value: Any) -> Any:  # noqa: ANN401 - JSON
    if not path:
        return value
    parent, last = _at(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        items = cast("list[Any]", parent)
        items.insert(len(items) if last == "-" else _index(items, last, len(items)), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise KeyError(last)
    return document


def _index(items: Sequence[Any], part: str, most: int) -> int:
    if not part.isdecimal() or (part != "0" and part.startswith("0")):
        raise ValueError(f"{part!r} is no place in a list")
    if int(part) > most:
        raise ValueError(f"a list of {len(items)} has no place {part}")
    return int(part)
