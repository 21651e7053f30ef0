"""Page sizes, orders and tokens."""

import base64
import json
from datetime import UTC, datetime

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import filters, paging
from flowmaker.pipelines.repository.conditions import Order, Position

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
NAMED = json.dumps({"predicates": [{"operation": 1, "key": "name", "stringValue": "x"}]})


@pytest.mark.parametrize(
    ("text", "size"), [("", 20), ("0", 20), ("1", 1), ("200", 200), ("100000", 200)]
)
def test_page_sizes(text: str, size: int) -> None:
    assert paging.page_size(text) == size


@pytest.mark.parametrize("text", ["-1", "ten", "1.5"])
def test_page_sizes_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        paging.page_size(text)


@pytest.mark.parametrize(
    ("text", "column", "descending"),
    [
        ("", "created_at", False),
        ("name", "display_name", False),
        ("Created_At DESC", "created_at", True),
        ("state asc", "state", False),
    ],
)
def test_orders(text: str, column: str, *, descending: bool) -> None:
    assert paging.order(text, filters.RUN) == Order(column=column, descending=descending)


@pytest.mark.parametrize("text", ["colour", "name up", "name desc asc", "name,state"])
def test_orders_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInput):
        paging.order(text, filters.RUN)


@pytest.mark.parametrize(
    ("sort_by", "value"), [("created_at desc", AT), ("name", "ü"), ("finished_at", AT)]
)
def test_a_token_resumes_with_the_order_and_filter_it_was_made_with(
    sort_by: str, value: str | datetime
) -> None:
    first, text = paging.query({"sort_by": sort_by, "filter": NAMED}, filters.RUN)
    token = paging.token(Position(value=value, key="id"), first, text, filters.RUN)

    for again in (
        {},
        {"sort_by": sort_by},
        {"filter": NAMED.replace("stringValue", "string_value")},
    ):
        resumed, text = paging.query({"page_token": token, "page_size": "7", **again}, filters.RUN)
        assert resumed.after == Position(value=value, key="id")
        assert (resumed.order, resumed.conditions) == (first.order, first.conditions)
        assert (resumed.size, text) == (7, NAMED)
    for other in ({"sort_by": "id"}, {"filter": NAMED.replace('"x"', '"y"')}):
        with pytest.raises(InvalidInput, match="page_token"):
            paging.query({"page_token": token, **other}, filters.RUN)
    with pytest.raises(InvalidInput, match="of a run"):
        paging.query({"page_token": token}, filters.EXPERIMENT)


def test_the_last_page_has_no_token() -> None:
    query, text = paging.query({}, filters.RUN)
    assert paging.token(None, query, text, filters.RUN) == ""


def coded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


WHOLE = {
    "model": "run",
    "sort_by": "created_at",
    "is_desc": False,
    "value": AT.isoformat(),
    "key": "id",
    "filter": "",
}


def test_a_whole_token_is_taken() -> None:
    assert paging.query({"page_token": coded(WHOLE)}, filters.RUN)[0].after is not None


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "%%%",
        "ü",
        coded([]),
        coded({}),
        coded(7),
        coded(WHOLE | {"value": 3}),
        coded(WHOLE | {"value": "then"}),
        coded(WHOLE | {"key": None}),
        coded(WHOLE | {"sort_by": "colour"}),
        coded(WHOLE | {"sort_by": ["name"]}),
        coded(WHOLE | {"filter": "{"}),
    ],
)
def test_damaged_tokens_are_refused(token: str) -> None:
    with pytest.raises(InvalidInput):
        paging.query({"page_token": token}, filters.RUN)
