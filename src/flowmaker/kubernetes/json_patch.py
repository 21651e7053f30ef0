"""JSON Patch (RFC 6902): what `kubectl patch --type=json` sends. Pure."""

import copy
from typing import Any, cast

import jsonpatch

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes.records import Document

#: Operations at most, as the API server has it.
MOST = 10_000


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
        changed = _applied(number, one, changed)
    if not isinstance(changed, dict):
        raise InvalidInput("the JSON patch leaves no object")
    return cast("dict[str, Any]", changed)


def _applied(number: int, operation: Any, document: Any) -> Any:  # noqa: ANN401 - JSON
    """One operation, so that the error tells which does not fit."""
    said = f"operation {number} of the JSON patch"
    if not isinstance(operation, dict):
        raise InvalidInput(f"{said}: it is an object")
    fields = cast("dict[str, Any]", operation)
    try:
        return jsonpatch.apply_patch(document, [copy.deepcopy(fields)])
    except jsonpatch.JsonPatchTestFailed:
        raise InvalidInput(f"{said}: the test of {fields.get('path')} failed") from None
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise InvalidInput(f"{said}: {error}") from None
