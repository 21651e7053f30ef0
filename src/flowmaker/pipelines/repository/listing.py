"""Pages of experiments, pipelines, versions and runs, by keyset: a page costs what it holds.

Listings never load a pipeline's spec: it may be megabytes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Row,
    Table,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from flowmaker.pipelines.records.catalog import Experiment, Pipeline, PipelineVersion
from flowmaker.pipelines.records.recurring import RecurringRun
from flowmaker.pipelines.records.run import Run
from flowmaker.pipelines.repository import catalog, recurring, runs
from flowmaker.pipelines.repository.conditions import (
    EPOCH,
    Condition,
    Operation,
    Page,
    Position,
    Query,
    Scalar,
)
from flowmaker.store.database import Transaction
from flowmaker.store.schema import pipelines as schema
from flowmaker.store.schema.metadata import NEVER, Timestamp

T = TypeVar("T")

#: Documents that a listing leaves on the disk; an empty one stands in for each.
NOT_LOADED = frozenset({"pipeline_spec", "platform_spec"})


@dataclass(frozen=True, slots=True)
class _Listing(Generic[T]):
    """What a row is, and which column tells rows apart."""

    table: Table
    key: str
    record: Callable[[Row[Any]], T]

    def columns(self) -> list[ColumnElement[Any]]:
        return [
            literal_column("'{}'", JSON).label(column.name) if column.name in NOT_LOADED else column
            for column in self.table.c
        ]


EXPERIMENTS = _Listing(schema.experiments, "experiment_id", catalog.row_to_experiment)
PIPELINES = _Listing(schema.pipelines, "pipeline_id", catalog.row_to_pipeline)
VERSIONS = _Listing(schema.pipeline_versions, "pipeline_version_id", catalog.row_to_version)
RUNS = _Listing(schema.runs, "run_id", runs.row_to_run)
RECURRING = _Listing(schema.recurring_runs, "recurring_run_id", recurring.row_to_recurring)


def list_experiments(tx: Transaction, query: Query) -> Page[Experiment]:
    return _page(tx, EXPERIMENTS, query)


def list_pipelines(tx: Transaction, query: Query) -> Page[Pipeline]:
    return _page(tx, PIPELINES, query)


def list_versions(tx: Transaction, query: Query) -> Page[PipelineVersion]:
    """Versions, with empty specs."""
    return _page(tx, VERSIONS, query)


def list_runs(tx: Transaction, query: Query) -> Page[Run]:
    """Runs, with empty specs."""
    return _page(tx, RUNS, query)


def list_recurring_runs(tx: Transaction, query: Query) -> Page[RecurringRun]:
    """Recurring runs, with empty specs."""
    return _page(tx, RECURRING, query)


def _page(tx: Transaction, listing: _Listing[T], query: Query) -> Page[T]:
    conditions = [_condition(listing.table, condition) for condition in query.conditions]
    total = tx.execute(
        select(func.count()).select_from(listing.table).where(*conditions)
    ).scalar_one()
    by = [_comparable(listing.table.c[query.order.column]), listing.table.c[listing.key]]
    if query.after:
        here = tuple_(*by)
        there = tuple_(_literal(query.after.value), literal(query.after.key))
        conditions.append(here < there if query.order.descending else here > there)
        if listing.table.c[query.order.column].nullable:
            # SQLite finds no place in an index over an expression by a row value alone.
            value = _literal(query.after.value)
            conditions.append(by[0] <= value if query.order.descending else by[0] >= value)
    ordered = [column.desc() if query.order.descending else column for column in by]
    # The keys first: an index may hold all that choosing them needs, and rows are large.
    key = listing.table.c[listing.key]
    keys = select(key).where(*conditions).order_by(*ordered).limit(query.size + 1)
    rows = tx.execute(select(*listing.columns()).where(key.in_(keys)).order_by(*ordered)).all()
    shown = rows[: query.size]
    return Page(
        items=tuple(listing.record(row) for row in shown),
        total=total,
        last=_position(listing, query, shown[-1]) if len(rows) > len(shown) else None,
    )


def _position(listing: _Listing[Any], query: Query, row: Row[Any]) -> Position:
    value = getattr(row, query.order.column)
    return Position(value=EPOCH if value is None else value, key=getattr(row, listing.key))


def _comparable(column: Column[Any]) -> ColumnElement[Any]:
    """A column with no NULL in it, so that conditions and orders mean the same on every row."""
    if column.nullable:
        # As the schema's indexes write it: a bound parameter would not match them.
        return func.coalesce(column, literal_column(NEVER), type_=column.type)
    return column


def _literal(value: Scalar) -> ColumnElement[Any]:
    return literal(value, Timestamp) if isinstance(value, datetime) else literal(value)


def _condition(table: Table, condition: Condition) -> ColumnElement[bool]:
    column = _comparable(table.c[condition.column])
    value = condition.value
    if isinstance(value, tuple):
        return column.in_([_literal(one) for one in value])
    if condition.operation is Operation.IS_SUBSTRING:
        # SQLite's LIKE ignores the case of ASCII letters by itself.
        pattern = "%" + re.sub(r"([%_\\])", r"\\\1", str(value)) + "%"
        return column.like(literal(pattern), escape="\\")
    return _COMPARISONS[condition.operation](column, _literal(value))


_COMPARISONS: dict[Operation, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    Operation.EQUALS: lambda column, value: column == value,
    Operation.NOT_EQUALS: lambda column, value: column != value,
    Operation.GREATER_THAN: lambda column, value: column > value,
    Operation.GREATER_THAN_EQUALS: lambda column, value: column >= value,
    Operation.LESS_THAN: lambda column, value: column < value,
    Operation.LESS_THAN_EQUALS: lambda column, value: column <= value,
}
