"""SearchExpression: which documents it means. Pure.

Contract: the API reference of `Search`, `SearchExpression`, `Filter` and `NestedFilters`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from flowmaker.aws.errors import validation

Document = Mapping[str, Any]


def matches(document: Document, expression: Mapping[str, Any]) -> bool:
    """Whether a document is one that the expression asks for; an empty one asks for all.

    Raises:
        AwsError: the expression cannot be understood.
    """
    tests = [
        *(_filtered(document, one) for one in expression.get("Filters", ())),
        *(_nested(document, one) for one in expression.get("NestedFilters", ())),
        *(matches(document, one) for one in expression.get("SubExpressions", ())),
    ]
    if not tests:
        return True
    return any(tests) if expression.get("Operator") == "Or" else all(tests)


def _filtered(document: Document, one: Mapping[str, Any]) -> bool:
    found = [value for value in values(document, one["Name"]) if value is not None]
    operator, wanted = one.get("Operator", "Equals"), one.get("Value")
    if operator in ("Exists", "NotExists"):
        if wanted is not None:
            raise validation(f"A filter with the Operator {operator} has no Value")
        return bool(found) == (operator == "Exists")
    if wanted is None:
        raise validation(f"The filter on {one['Name']} with the Operator {operator} needs a Value")
    if operator == "NotEquals":
        return not any(_compared(value, wanted) == 0 for value in found)
    return any(_holds(operator, value, wanted) for value in found)


def _nested(document: Document, one: Mapping[str, Any]) -> bool:
    """Some item of a list fulfils all filters, whose names begin with the list's."""
    prefix = f"{one['NestedPropertyName']}."
    filters = [
        {**each, "Name": each["Name"].removeprefix(prefix)} for each in one.get("Filters", ())
    ]
    items = values(document, one["NestedPropertyName"])
    return any(
        isinstance(item, Mapping)
        and all(_filtered(cast("Document", item), each) for each in filters)
        for item in items
    )


def values(document: Document, path: str) -> Iterator[Any]:
    """What stands at a dotted path; of lists what stands in each item.

    `Tags.KEY` is the value of a tag, `Metrics.NAME` and `FinalMetricDataList.NAME` of a metric.
    """
    name, _, rest = path.partition(".")
    if name == "Metrics" and name not in document:
        name = "FinalMetricDataList"  # as training jobs have theirs
    if name not in document:
        return
    value = document[name]
    if rest and name in _BY_KEY:
        key, of = _BY_KEY[name]
        yield from (item.get(of) for item in value if item.get(key) == rest)
        return
    for item in cast("Sequence[Any]", value) if isinstance(value, list) else [value]:
        if rest and isinstance(item, Mapping):
            yield from values(cast("Document", item), rest)
        elif not rest:
            yield item


#: Lists that are asked by a key: the member with the key, and the one with the value.
_BY_KEY = {
    "Tags": ("Key", "Value"),
    "Metrics": ("MetricName", "Last"),
    "FinalMetricDataList": ("MetricName", "Value"),
}

_ORDERS: Mapping[str, Callable[[int], bool]] = {
    "Equals": lambda order: order == 0,
    "GreaterThan": lambda order: order > 0,
    "GreaterThanOrEqualTo": lambda order: order >= 0,
    "LessThan": lambda order: order < 0,
    "LessThanOrEqualTo": lambda order: order <= 0,
}


def _holds(operator: str, value: object, wanted: str) -> bool:
    if operator == "Contains":
        return wanted in str(value)
    if operator == "In":
        return any(_compared(value, one.strip()) == 0 for one in wanted.split(","))
    order = _compared(value, wanted)
    return order is not None and _ORDERS[operator](order)


def _compared(value: object, wanted: str) -> int | None:
    """-1, 0 or 1, as numbers and times compare; None if they do not."""
    try:
        ours, theirs = _comparable(value, wanted)
    except ValueError:
        return None
    return (ours > theirs) - (ours < theirs)


def _comparable(value: object, wanted: str) -> tuple[Any, Any]:
    if isinstance(value, bool):
        return str(value).lower(), wanted.lower()
    if isinstance(value, int | float):
        return float(value), float(wanted)
    if isinstance(value, datetime):
        return value, _time(wanted)
    return str(value), wanted


def _time(text: str) -> datetime:
    """ISO 8601, or seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def sort_key(document: Document, path: str) -> tuple[int, Any]:
    """What documents are ordered by: those without the property come first."""
    value = next(iter(values(document, path)), None)
    if value is None:
        return 0, 0
    if isinstance(value, datetime):
        return 1, value.timestamp()
    return (1, value) if isinstance(value, int | float) else (2, str(value))
