"""Pages of experiments, pipelines, versions and runs, by keyset: a page costs what it holds.

Listings never load a pipeline's spec: it may be megabytes.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Row,
    Select,
    Table,
    and_,
    func,
    literal,
    literal_column,
    not_,
    select,
    tuple_,
)
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from flowmaker.pipelines.records.catalog import Experiment, Pipeline, PipelineVersion
from flowmaker.pipelines.records.recurring import RecurringRun
from flowmaker.pipelines.records.run import Run
from flowmaker.pipelines.repository import catalog, recurring, runs
from flowmaker.pipelines.repository.conditions import (
    EPOCH,
    METRIC,
    TAG,
    Condition,
    Operation,
    Order,
    Page,
    Position,
    Query,
    Scalar,
)
from flowmaker.store.database import Transaction
from flowmaker.store.schema import pipelines as schema
from flowmaker.store.schema.metadata import NEVER, Timestamp

T = TypeVar("T")

#: So many things are gathered and sorted rather than walked along and counted.
FEW = 1000
#: So many things are looked at along an order before all are.
NEAR = 1000
#: The index in this order has all that a list of runs filters and sorts by.
WIDEST = "created_at"
#: Documents that a listing leaves on the disk; an empty one stands in for each.
NOT_LOADED = frozenset({"pipeline_spec", "platform_spec"})
#: Holds for runs that were not deleted. It is asked only where there are others.
_STAYS = Condition(column="run_id", operation=Operation.NOT_EQUALS, value=())


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
    if runs.are_any_leaving(tx):
        query = replace(query, conditions=(*query.conditions, _STAYS))
    return _page(tx, RUNS, query)


def list_recurring_runs(tx: Transaction, query: Query) -> Page[RecurringRun]:
    """Recurring runs, with empty specs."""
    return _page(tx, RECURRING, query)


def _page(tx: Transaction, listing: _Listing[T], query: Query) -> Page[T]:
    found, total = _keys(tx, listing, query)
    key = listing.table.c[listing.key]
    rows = tx.execute(select(*listing.columns()).where(key.in_(found[: query.size])))
    by_key = {getattr(row, listing.key): row for row in rows}
    shown = [by_key[each] for each in found[: query.size]]
    return Page(
        items=tuple(listing.record(row) for row in shown),
        total=total,
        last=_position(listing, query, shown[-1]) if len(found) > query.size else None,
    )


def _keys(tx: Transaction, listing: _Listing[Any], query: Query) -> tuple[list[str], int]:
    """The keys of a page and of one thing more, in order, and how many there are on all pages.

    What few things satisfy is gathered in one pass and sorted here. Of what many do, a page is
    found soon in its order, and they only have to be counted.
    """
    metric = _lone_metric(query)
    if not query.conditions or (metric and not _is_few(tx, metric)):
        return _walk(tx, listing, query), _count(tx, listing, query)
    value, key = _comparable(listing.table.c[query.order.column]), listing.table.c[listing.key]
    few = select(value, key).where(*_sought(tx, listing, query)).limit(FEW + 1)
    found = [(row[0], row[1]) for row in tx.execute(few)]
    if len(found) > FEW:
        return _walk(tx, listing, query), _count(tx, listing, query)
    found.sort(reverse=query.order.descending)
    after = query.after and (query.after.value, query.after.key)
    keys = [each[1] for each in found if after is None or _follows(each, after, query.order)]
    return keys[: query.size + 1], len(found)


def _is_of_metric(condition: Condition) -> bool:
    return condition.column.startswith(METRIC)


def _lone_metric(query: Query) -> Condition | None:
    """The condition, when it is the only one and of a metric."""
    alone = query.conditions[0] if len(query.conditions) == 1 else None
    return alone if alone and _is_of_metric(alone) else None


def _is_few(tx: Transaction, condition: Condition) -> bool:
    """Whether few runs have a metric so: its index says it soon, of however many."""
    some = _having(condition).limit(FEW + 1).subquery()
    return tx.execute(select(func.count()).select_from(some)).scalar_one() <= FEW


def _follows(one: tuple[Any, str], other: tuple[Any, str], order: Order) -> bool:
    return one < other if order.descending else one > other


def _count(tx: Transaction, listing: _Listing[Any], query: Query) -> int:
    metric = _lone_metric(query)
    if metric:
        # Whatever has a metric is a run that is there: the runs need not be looked at.
        having = _having(metric).subquery()
        return tx.execute(select(func.count()).select_from(having)).scalar_one()
    counted = select(func.count()).select_from(listing.table).where(*_sought(tx, listing, query))
    return tx.execute(counted).scalar_one()


def _walk(tx: Transaction, listing: _Listing[Any], query: Query) -> list[str]:
    """The keys from where the page begins, in order."""
    own = query.order.column
    # Each order's index has what tells runs apart, and so whether a run has a metric.
    if own == WIDEST or all(each.column == own or _is_of_metric(each) for each in query.conditions):
        return list(tx.scalars(_along(listing, query, query.conditions, query.size + 1)))
    # Whatever satisfies the conditions is mostly near, but may be far along this order; and each
    # step fetches a row.
    of_order = tuple(each for each in query.conditions if each.column == own)
    near = _along(listing, query, of_order, NEAR)
    key = listing.table.c[listing.key]
    conditions = [_condition(listing.table, each, sought=False) for each in query.conditions]
    by = _by(listing, query.order, sought=False)
    found = select(key).where(key.in_(near), *conditions).order_by(*by).limit(query.size + 1)
    keys = list(tx.scalars(found))
    if len(keys) > query.size:
        return keys
    every = _along(listing, query, query.conditions, query.size + 1, sought=False)
    return list(tx.scalars(every))


def _along(
    listing: _Listing[Any],
    query: Query,
    conditions: tuple[Condition, ...],
    most: int,
    *,
    sought: bool = True,
) -> Select[Any]:
    """The keys of so many things along an order; with `sought`, along its index."""
    column, key = listing.table.c[query.order.column], listing.table.c[listing.key]
    value = _comparable(column)
    if not sought:
        value = _not_sought(value)
    where = [
        _condition(listing.table, each, sought=sought and each.column == column.name)
        for each in conditions
    ]
    if query.after:
        here = tuple_(value, key)
        there = tuple_(_literal(query.after.value), literal(query.after.key))
        where.append(here < there if query.order.descending else here > there)
        if column.nullable:
            # SQLite finds no place in an index over an expression by a row value alone.
            at = _literal(query.after.value)
            where.append(value <= at if query.order.descending else value >= at)
    by = _by(listing, query.order, sought=sought)
    return select(key).where(*where).order_by(*by).limit(most)


def _by(listing: _Listing[Any], order: Order, *, sought: bool) -> list[ColumnElement[Any]]:
    both = [_comparable(listing.table.c[order.column]), listing.table.c[listing.key]]
    by = both if sought else [_not_sought(each) for each in both]
    return [each.desc() if order.descending else each for each in by]


def _sought(tx: Transaction, listing: _Listing[Any], query: Query) -> list[ColumnElement[bool]]:
    """The conditions: a lone one is looked up, several are checked all along an index.

    SQLite would look one of them up, which most rows may satisfy, and fetch these one by one for
    the others. Unless it is of a metric that few have so.
    """
    lone = len(query.conditions) == 1
    looked_up = next(
        (each for each in query.conditions if lone or (_is_of_metric(each) and _is_few(tx, each))),
        None,
    )
    return [_condition(listing.table, each, sought=each is looked_up) for each in query.conditions]


def _position(listing: _Listing[Any], query: Query, row: Row[Any]) -> Position:
    value = getattr(row, query.order.column)
    return Position(value=EPOCH if value is None else value, key=getattr(row, listing.key))


def _column(table: Table, name: str) -> ColumnElement[Any]:
    if not name.startswith(TAG):
        return _comparable(table.c[name])
    tags = func.json_each(table.c.tags).table_valued("key", "value")
    of_key = select(tags.c.value).where(tags.c.key == name.removeprefix(TAG))
    return of_key.correlate(table).scalar_subquery()


def _comparable(column: Column[Any]) -> ColumnElement[Any]:
    """A column with no NULL in it, so that conditions and orders mean the same on every row."""
    if column.nullable:
        # As the schema's indexes write it: a bound parameter would not match them.
        return func.coalesce(column, literal_column(NEVER), type_=column.type)
    return column


def _not_sought(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column, by which SQLite looks in no index: https://www.sqlite.org/optoverview.html."""
    plus: custom_op[Any] = custom_op("+")
    return UnaryExpression(column, operator=plus, type_=column.type)


def _literal(value: Scalar) -> ColumnElement[Any]:
    return literal(value, Timestamp) if isinstance(value, datetime) else literal(value)


def _condition(table: Table, condition: Condition, *, sought: bool) -> ColumnElement[bool]:
    """A condition; unless it is `sought`, SQLite looks for it in no index."""
    if condition is _STAYS:
        return runs.STAYS
    if _is_of_metric(condition):
        return _of_metric(table, condition, sought=sought)
    column = _column(table, condition.column)
    if not sought:
        column = _not_sought(column)
    value = condition.value
    if isinstance(value, tuple):
        return column.in_([_literal(one) for one in value])
    if condition.operation is Operation.IS_SUBSTRING:
        # SQLite's LIKE ignores the case of ASCII letters by itself.
        pattern = "%" + re.sub(r"([%_\\])", r"\\\1", str(value)) + "%"
        return column.like(literal(pattern), escape="\\")
    return _COMPARISONS[condition.operation](column, _literal(value))


def _of_metric(table: Table, condition: Condition, *, sought: bool) -> ColumnElement[bool]:
    """Whether a run is one of those that measured such a value."""
    having = _having(condition)
    if sought:
        return table.c.run_id.in_(having)
    # Each run's own metrics are looked up, when it is its turn.
    (of_run,) = having.selected_columns
    return having.where(of_run == table.c.run_id).correlate(table).exists()


def _having(condition: Condition) -> Select[tuple[str]]:
    """The runs that measured such a value in one of their tasks, each of them once."""
    name, value = condition.column.removeprefix(METRIC), condition.value
    assert not isinstance(value, tuple)
    compare, at = _COMPARISONS[condition.operation], _literal(value)
    of_tasks, of_runs = schema.metrics.c, schema.run_metrics.c
    if condition.operation is Operation.EQUALS:  # it may be of a task between the ends
        found = select(of_tasks.run_id).distinct()
        return found.where(of_tasks.name == name, compare(of_tasks.value, at))
    found = select(of_runs.run_id).where(of_runs.name == name)
    if condition.operation is Operation.NOT_EQUALS:
        return found.where(not_(and_(of_runs.least == at, of_runs.greatest == at)))
    is_above = condition.operation in {Operation.GREATER_THAN, Operation.GREATER_THAN_EQUALS}
    return found.where(compare(of_runs.greatest if is_above else of_runs.least, at))


_COMPARISONS: dict[Operation, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    Operation.EQUALS: lambda column, value: column == value,
    Operation.NOT_EQUALS: lambda column, value: column != value,
    Operation.GREATER_THAN: lambda column, value: column > value,
    Operation.GREATER_THAN_EQUALS: lambda column, value: column >= value,
    Operation.LESS_THAN: lambda column, value: column < value,
    Operation.LESS_THAN_EQUALS: lambda column, value: column <= value,
}
