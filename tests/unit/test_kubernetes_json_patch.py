"""JSON Patch, by the examples of RFC 6902 and by what it refuses."""

from typing import Any

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.kubernetes.json_patch import patched


@pytest.mark.parametrize(
    ("document", "operations", "expected"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": [1, 3]}, [{"op": "add", "path": "/a/1", "value": 2}], {"a": [1, 2, 3]}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": [2]}], {"a": [1, [2]]}),
        ({"a": 1}, [{"op": "add", "path": "/a", "value": None}], {"a": None}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}], {"a": [2]}),
        ({"a": [1, 2]}, [{"op": "replace", "path": "/a/1", "value": 3}], {"a": [1, 3]}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
        ({"a": {"b": 1}, "c": {}}, [{"op": "move", "from": "/a/b", "path": "/c/d"}],
         {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2, 3]}, [{"op": "move", "from": "/a/0", "path": "/a/2"}], {"a": [2, 3, 1]}),
        ({"a": [1]}, [{"op": "copy", "from": "/a", "path": "/b"},
                      {"op": "add", "path": "/b/-", "value": 2}], {"a": [1], "b": [1, 2]}),
        ({"a/b": 1, "m~n": 2}, [{"op": "test", "path": "/a~1b", "value": 1},
                                {"op": "remove", "path": "/m~0n"}], {"a/b": 1}),
    ],
)  # fmt: skip
def test_operations(document: dict[str, Any], operations: Any, expected: dict[str, Any]) -> None:
    assert patched(document, operations) == expected


@pytest.mark.parametrize(
    ("operations", "words"),
    [
        ({"op": "add"}, "is a list of operations"),
        (["x"], "operation 0 of the JSON patch: it is an object"),
        ([{"op": "grow", "path": "/a"}], "Unknown operation 'grow'"),
        ([{"op": "add", "path": "/b"}], "does not contain a 'value' member"),
        ([{"op": "add", "path": "b", "value": 1}], "Location must start with /"),
        ([{"op": "add", "path": "/x/y", "value": 1}], "member 'x' not found"),
        ([{"op": "remove", "path": "/b"}], "non-existent object 'b'"),
        ([{"op": "replace", "path": "/b", "value": 1}], "non-existent object 'b'"),
        ([{"op": "add", "path": "/a/4", "value": 1}], "can't insert outside of list"),
        ([{"op": "add", "path": "/a/01", "value": 1}], "'01' is not a valid sequence index"),
        (
            [{"op": "move", "from": "/a", "path": "/a/0"}],
            "Cannot move values into their own children",
        ),
        ([{"op": "test", "path": "/a/0", "value": 2}], "the test of /a/0 failed"),
        ([{"op": "replace", "path": "", "value": 1}], "leaves no object"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(operations: Any, words: str) -> None:
    document = {"a": [1, 2]}
    with pytest.raises(InvalidInput, match="JSON patch") as error:
        patched(document, operations)
    assert words in str(error.value.message)
    assert document == {"a": [1, 2]}
