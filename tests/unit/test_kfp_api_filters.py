"""KFP's filters, in every form that its clients write them."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import filters
from flowmaker.pipelines.repository.conditions import Condition, Operation

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def text(*predicates: dict[str, Any]) -> str:
    return json.dumps({"predicates": list(predicates)})


def one(predicate: dict[str, Any]) -> Condition:
    (condition,) = filters.parse(text(predicate), filters.RUN)
    return condition


@pytest.mark.parametrize("operation", [1, "EQUALS"])
@pytest.mark.parametrize("value", ["stringValue", "string_value"])
def test_the_forms_of_the_clients_mean_the_same(operation: int | str, value: str) -> None:
    assert one({"operation": operation, "key": "name", value: "x"}) == Condition(
        column="display_name", operation=Operation.EQUALS, value="x"
    )


def test_all_predicates_hold_and_none_is_no_filter() -> None:
    both = filters.parse(
        text(
            {"operation": "NOT_EQUALS", "key": "storage_state", "string_value": "ARCHIVED"},
            {"operation": 8, "key": "id", "string_values": {"values": ["a", "b"]}},
        ),
        filters.RUN,
    )
    assert [(c.column, c.operation.name, c.value) for c in both] == [
        ("storage_state", "NOT_EQUALS", "ARCHIVED"),
        ("run_id", "IN", ("a", "b")),
    ]
    assert filters.parse("", filters.RUN) == ()
    assert filters.parse("{}", filters.RUN) == ()


def test_a_filter_may_be_url_encoded_once_more() -> None:
    plain = text({"operation": 1, "key": "name", "stringValue": "50%25 + 1"})
    assert filters.parse(plain, filters.RUN)[0].value == "50%25 + 1"
    assert filters.parse(quote(plain), filters.RUN) == filters.parse(plain, filters.RUN)


@pytest.mark.parametrize(
    "value",
    [
        {"timestampValue": "2026-01-31T12:00:00Z"},
        {"timestamp_value": "2026-01-31T13:00:00.000000000+01:00"},
        {"long_value": str(int(NOON.timestamp()))},
        {"int_value": int(NOON.timestamp())},
    ],
)
def test_times(value: dict[str, Any]) -> None:
    condition = one({"operation": "LESS_THAN", "key": "created_at", **value})
    assert condition.value == NOON


@pytest.mark.parametrize(
    ("predicate", "says"),
    [
        ({"operation": 1, "key": "colour", "stringValue": "red"}, "'colour'"),
        ({"operation": 4, "key": "name", "stringValue": "x"}, "4 is no filter operation"),
        ({"operation": "LIKE", "key": "name", "stringValue": "x"}, "'LIKE'"),
        ({"operation": True, "key": "name"}, "exactly one value"),
        ({"key": "name", "stringValue": "x"}, "0 is no filter operation"),
        ({"operation": 1, "key": "name"}, "exactly one value"),
        ({"operation": 1, "key": "name", "stringValue": "x", "intValue": 1}, "exactly one value"),
        ({"operation": 1, "key": "name", "intValue": 1}, "needs a string value"),
        ({"operation": 1, "key": "name", "stringValue": 1}, "needs a string value"),
        ({"operation": 8, "key": "name", "stringValue": "x"}, "IN does not go with string_value"),
        ({"operation": 1, "key": "name", "stringValues": {"values": []}}, "EQUALS does not go"),
        ({"operation": 9, "key": "created_at", "longValue": "1"}, "IS_SUBSTRING needs"),
        ({"operation": 1, "key": "created_at", "stringValue": "x"}, "needs a timestamp_value"),
        ({"operation": 1, "key": "created_at", "timestampValue": "today"}, "'today'"),
        ({"operation": 1, "key": "created_at", "timestampValue": "2026-02-31T00:00:00Z"}, "RFC"),
        ({"operation": 1, "key": "created_at", "longValue": "soon"}, "'soon'"),
        ({"operation": 1, "key": "created_at", "longValue": "9" * 30}, "seconds since 1970"),
        ({"operation": 1, "key": "name", "stringValue": "x", "op": 1}, "unknown field 'op'"),
        ({"operation": 1, "key": 7, "stringValue": "x"}, "key must be a string"),
    ],
)
def test_what_is_wrong_is_named(predicate: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        one(predicate)


@pytest.mark.parametrize(
    "broken", ["{", "[]", "nonsense", '{"predicates": 1}', '{"predicates": [1]}', "[" * 100_000]
)
def test_what_is_no_filter_is_refused(broken: str) -> None:
    with pytest.raises(InvalidInput):
        filters.parse(broken, filters.RUN)
