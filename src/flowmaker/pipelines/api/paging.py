"""Page sizes, orders and page tokens of listings, as KFP has them. Pure.

A token carries the order and the filter that it was made with. A request with a token need not
repeat them; if it does, they must be the same.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import filters
from flowmaker.pipelines.api.messages import parse_time
from flowmaker.pipelines.ir import documents
from flowmaker.pipelines.repository.conditions import Condition, Order, Position, Query

DEFAULT_SIZE = 20
LARGEST_SIZE = 200
DEFAULT_SORT = "created_at"

#: The query parameters that every listing takes.
PARAMETERS = frozenset({"page_token", "page_size", "sort_by", "filter"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Token:
    """What a page token says."""

    order: Order
    after: Position
    filter: str


def query(
    parameters: Mapping[str, str], keys: filters.Keys, also: tuple[Condition, ...] = ()
) -> tuple[Query, str]:
    """The page that is asked for, narrowed by `also`; and the filter that holds, as text."""
    size = page_size(parameters.get("page_size", ""))
    sort_by, text = parameters.get("sort_by", ""), parameters.get("filter", "")
    conditions = filters.parse(text, keys)
    if not parameters.get("page_token"):
        made = Query(conditions=(*conditions, *also), order=order(sort_by, keys), size=size)
        return made, text
    resumed = _decode(parameters["page_token"], keys)
    if sort_by and order(sort_by, keys) != resumed.order:
        raise InvalidInput(
            "sort_by is not what page_token was made with. Send it unchanged or not."
        )
    then = filters.parse(resumed.filter, keys)
    if text and conditions != then:
        raise InvalidInput("filter is not what page_token was made with. Send it unchanged or not.")
    made = Query(conditions=(*then, *also), order=resumed.order, after=resumed.after, size=size)
    return made, resumed.filter


def page_size(text: str) -> int:
    """How many at most: 20 when it is not said, never more than 200."""
    if not text:
        return DEFAULT_SIZE
    try:
        size = int(text)
    except ValueError:
        size = -1
    if size < 0:
        raise InvalidInput(f"page_size must be a number, 0 or more; it is {text!r}.")
    return min(size, LARGEST_SIZE) or DEFAULT_SIZE


def order(text: str, keys: filters.Keys) -> Order:
    """`field`, `field asc` or `field desc`."""
    words = text.lower().split() or [DEFAULT_SORT]
    direction = words[1:] or ["asc"]
    if direction not in (["asc"], ["desc"]):
        raise InvalidInput(
            f"sort_by must be one field, then asc or desc or nothing; it is {text!r}."
        )
    return Order(column=keys.column(words[0]), descending=direction == ["desc"])


def token(last: Position | None, made: Query, text: str, keys: filters.Keys) -> str:
    """The token of the page after the one that ends at `last`; empty when there is none."""
    if last is None:
        return ""
    document = {
        "model": keys.model,
        "sort_by": made.order.column,
        "is_desc": made.order.descending,
        "value": last.value.isoformat() if isinstance(last.value, datetime) else last.value,
        "key": last.key,
        "filter": text,
    }
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


def _decode(text: str, keys: filters.Keys) -> _Token:
    try:
        document: Any = json.loads(base64.urlsafe_b64decode(text.encode()))
        model, column, value = document["model"], document["sort_by"], document["value"]
        others = [document["key"], document["filter"]]
        is_desc = bool(document["is_desc"])
        documents.check(document, "page_token")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _damaged() from None
    if model != keys.model:
        raise InvalidInput(f"page_token is of another listing: of a {model}.")
    if not all(isinstance(one, str) for one in (column, value, *others)):
        raise _damaged()
    return _Token(
        order=Order(column=keys.column(column), descending=is_desc),
        after=Position(
            value=parse_time("page_token", value) if keys.is_time(column) else value,
            key=others[0],
        ),
        filter=others[1],
    )


def _damaged() -> InvalidInput:
    return InvalidInput("page_token is damaged. Send one as it came from this server, or none.")
