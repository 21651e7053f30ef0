"""Filters of listings: KFP's `Filter` message in JSON, to conditions. Pure.

    {"predicates": [{"operation": "EQUALS" | 1, "key": "name", "stringValue": "x"}, …]}

All predicates hold. kfp.Client writes the operation as a number and the value's name in camelCase;
others write the name and snake_case.
"""

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import unquote_plus

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api.messages import Kind, Message, parse_time
from flowmaker.pipelines.ir import documents
from flowmaker.pipelines.repository.conditions import METRIC, TAG, Condition, Operation, Scalar

ONE = {
    "string_value": "string",
    "int_value": "integer",
    "long_value": "integer",
    "timestamp_value": "timestamp",
}
MANY = {"string_values": "string", "int_values": "integer", "long_values": "integer"}

FILTER = Message("Filter", {"predicates": Kind.LIST})
PREDICATE = Message(
    "Predicate",
    {"operation": Kind.ANY, "key": Kind.STRING}
    | dict.fromkeys(ONE, Kind.ANY)
    | dict.fromkeys(MANY, Kind.OBJECT),
)
VALUES = Message("values", {"values": Kind.LIST})


@dataclass(frozen=True, slots=True)
class Keys:
    """What a kind of thing may be filtered and sorted by: KFP's name, to the column."""

    #: The kind of thing, in a page token.
    model: str
    texts: dict[str, str]
    times: dict[str, str]
    #: It may be filtered by `tags.KEY` too.
    has_tags: bool = False
    #: It may be filtered by `metrics.NAME`, which is no key of KFP's own.
    has_metrics: bool = False

    def column(self, key: str) -> str:
        column = self.texts.get(key) or self.times.get(key)
        if column is None:
            known = ", ".join(sorted({*self.texts, *self.times}))
            raise InvalidInput(f"{key!r} is no key to filter or sort by. Keys: {known}.")
        return column

    def filtered(self, key: str) -> str:
        """The column of a predicate: `tags.KEY` is one of its own."""
        is_tag = self.has_tags and key.startswith(TAG) and key != TAG
        return key if is_tag or self.is_metric(key) else self.column(key)

    def is_metric(self, key: str) -> bool:
        return self.has_metrics and key.startswith(METRIC) and key != METRIC

    def is_time(self, key: str) -> bool:
        return key in self.times


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


EXPERIMENT = Keys(
    "experiment",
    {"id": "experiment_id", "name": "display_name"}
    | _same("experiment_id", "display_name", "description", "namespace", "storage_state"),
    _same("created_at", "last_run_created_at"),
)
PIPELINE = Keys(
    "pipeline",
    {"id": "pipeline_id"}
    | _same("pipeline_id", "name", "display_name", "description", "namespace"),
    _same("created_at"),
    has_tags=True,
)
VERSION = Keys(
    "pipeline_version",
    {"id": "pipeline_version_id"}
    | _same("pipeline_version_id", "name", "display_name", "description"),
    _same("created_at"),
    has_tags=True,
)
RUN = Keys(
    "run",
    {"id": "run_id", "name": "display_name", "status": "state"}
    | _same("run_id", "display_name", "description", "namespace", "experiment_id")
    | _same("state", "storage_state", "recurring_run_id"),
    _same("created_at", "finished_at", "scheduled_at"),
    has_metrics=True,
)
RECURRING = Keys(
    "recurring_run",
    {"id": "recurring_run_id", "name": "display_name"}
    | _same("recurring_run_id", "display_name", "description", "namespace", "experiment_id"),
    _same("created_at", "updated_at"),
)


def parse(text: str, keys: Keys) -> tuple[Condition, ...]:
    """The conditions that a `filter` query parameter stands for."""
    if not text.strip():
        return ()
    predicates = FILTER.read(_json(text)).get("predicates", [])
    return tuple(_condition(predicate, keys) for predicate in predicates)


def _json(text: str) -> Any:  # noqa: ANN401 - it is what is being found out
    # The parameter is a URL-encoded JSON text: the UI encodes it once more, kfp.Client does not.
    if not text.lstrip().startswith("{"):
        text = unquote_plus(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The filter is not JSON: {error}.") from error
    documents.check(document, "The filter")
    return document


def _condition(document: Any, keys: Keys) -> Condition:  # noqa: ANN401
    predicate = PREDICATE.read(document)
    key = predicate.get("key", "")
    column = keys.filtered(key)
    operation = _operation(predicate.get("operation", 0))
    given = [name for name in predicate if name in ONE or name in MANY]
    if len(given) != 1:
        raise InvalidInput(
            f"The predicate on {key!r} needs exactly one value; it has {len(given)}."
        )
    name = given[0]
    if (name in MANY) != (operation is Operation.IN):
        raise InvalidInput(f"The predicate on {key!r}: {operation.name} does not go with {name}.")
    if operation is Operation.IS_SUBSTRING and name != "string_value":
        raise InvalidInput(f"The predicate on {key!r}: IS_SUBSTRING needs a string_value.")
    if keys.is_metric(key):
        return Condition(column=column, operation=operation, value=_number(predicate, name, key))
    is_time = keys.is_time(key)
    if name in MANY:
        values = VALUES.read(predicate[name]).get("values", [])
        many = tuple(_scalar(key, MANY[name], one, is_time=is_time) for one in values)
        return Condition(column=column, operation=operation, value=many)
    scalar = _scalar(key, ONE[name], predicate[name], is_time=is_time)
    return Condition(column=column, operation=operation, value=scalar)


def _operation(value: Any) -> Operation:  # noqa: ANN401
    try:
        return Operation[value] if isinstance(value, str) else Operation(value)
    except (KeyError, ValueError, TypeError):
        known = ", ".join(operation.name for operation in Operation)
        raise InvalidInput(f"{value!r} is no filter operation. Operations: {known}.") from None


def _scalar(key: str, kind: str, value: Any, *, is_time: bool) -> Scalar:  # noqa: ANN401
    if not is_time:
        if kind != "string" or not isinstance(value, str):
            raise InvalidInput(f"The predicate on {key!r} needs a string value.")
        return value
    if kind == "timestamp":
        return parse_time(f"the predicate on {key!r}", value)
    if kind == "integer":
        return _seconds(key, value)
    raise InvalidInput(
        f"The predicate on {key!r} needs a timestamp_value, e.g. 2026-01-31T12:00:00Z."
    )


def _number(predicate: dict[str, Any], name: str, key: str) -> float:
    """The value of a metric. KFP's predicates have no value with a fraction: a text has it."""
    if name not in ("string_value", "int_value", "long_value"):
        raise InvalidInput(f"The predicate on {key!r} needs a string_value with a number in it.")
    if predicate.get("operation") in (Operation.IS_SUBSTRING, Operation.IS_SUBSTRING.name):
        raise InvalidInput(f"The predicate on {key!r}: a number has no substring.")
    try:
        number = float(predicate[name])
    except (ValueError, TypeError, OverflowError):
        number = math.nan
    if math.isnan(number):
        raise InvalidInput(f"The predicate on {key!r}: {predicate[name]!r} is no number.")
    return number


def _seconds(key: str, value: Any) -> datetime:  # noqa: ANN401
    """A time as KFP's own tables have it: seconds since 1970. A long is a string in JSON."""
    try:
        return datetime.fromtimestamp(int(cast("str", value)), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise InvalidInput(
            f"The predicate on {key!r}: {value!r} is no number of seconds since 1970."
        ) from None
