"""A page of runs is found by an index in its order: no list sorts, or reads, all runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from flowmaker.pipelines.repository.conditions import (
    Condition,
    Operation,
    Order,
    Position,
    Query,
)
from flowmaker.pipelines.repository.listing import list_runs
from flowmaker.store import sqlite
from flowmaker.store.migration import migrate
from flowmaker.store.schema import metadata

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDERS: dict[str, str | datetime] = {
    "created_at": NOON,
    "finished_at": NOON,
    "scheduled_at": NOON,
    "display_name": "a",
    "state": "FAILED",
    "run_id": "a",
}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    engine = sqlite.engine(tmp_path / "flowmaker.db", readers=1)
    migrate(engine, metadata)
    with engine.connect() as made:
        yield made
    engine.dispose()


def plan_of_keys(connection: Connection, query: Query) -> list[str]:
    """How SQLite finds the keys of a page, as `EXPLAIN QUERY PLAN` says it."""
    asked: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        asked.append((call[2], call[3]))

    event.listen(connection, "before_cursor_execute", note)
    list_runs(connection, query)
    event.remove(connection, "before_cursor_execute", note)
    statement, parameters = asked[-1]
    lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    (inner,) = (line[0] for line in lines if line[3].startswith("LIST SUBQUERY"))
    return [line[3] for line in lines if line[1] == inner and "BLOOM" not in line[3]]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("resumed", [False, True])
@pytest.mark.parametrize("column", ORDERS)
def test_an_order_is_an_index(
    connection: Connection, column: str, *, resumed: bool, descending: bool
) -> None:
    after = Position(value=ORDERS[column], key="b") if resumed else None
    order = Order(column=column, descending=descending)
    (step,) = plan_of_keys(connection, Query(order=order, after=after, size=20))
    assert " INDEX kfp_runs_in_order" in step or column == "run_id"
    assert step.startswith("SEARCH" if resumed else "SCAN")


@pytest.mark.parametrize("descending", [False, True])
def test_a_part_of_a_name_is_looked_for_in_the_index_of_the_order(
    connection: Connection, *, descending: bool
) -> None:
    part = Condition(column="display_name", operation=Operation.IS_SUBSTRING, value="a")
    order = Order(column="created_at", descending=descending)
    plan = plan_of_keys(connection, Query(conditions=(part,), order=order, size=20))
    assert plan == ["SCAN kfp_runs USING COVERING INDEX kfp_runs_in_order_made"]


def test_a_condition_on_a_time_is_an_index(connection: Connection) -> None:
    late = Condition(column="finished_at", operation=Operation.GREATER_THAN, value=NOON)
    order = Order(column="finished_at", descending=True)
    (step,) = plan_of_keys(connection, Query(conditions=(late,), order=order, size=20))
    assert step.startswith("SEARCH kfp_runs USING INDEX kfp_runs_in_order_finished")
