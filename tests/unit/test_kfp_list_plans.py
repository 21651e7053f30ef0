"""A page of runs is found by an index in its order: no list sorts, or reads, all runs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from flowmaker.pipelines.records.run import Run
from flowmaker.pipelines.repository import listing, runs
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


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is few, as if there were 100,000 runs."""
    monkeypatch.setattr(listing, "FEW", -1)


def plans(connection: Connection, query: Query) -> list[tuple[str, list[str]]]:
    """What is asked of SQLite, and how it finds it, as `EXPLAIN QUERY PLAN` says it.

    But for the question whether runs are leaving, which nearly always is about an empty table.
    """
    asked: list[tuple[str, Any]] = []

    def note(*call: Any) -> None:
        asked.append((call[2], call[3]))

    event.listen(connection, "before_cursor_execute", note)
    list_runs(connection, query)
    event.remove(connection, "before_cursor_execute", note)

    found: list[tuple[str, list[str]]] = []
    for statement, parameters in asked:
        if "FROM kfp_runs" not in statement and "FROM kfp_run_removals" in statement:
            continue
        lines = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
        found.append((statement, [line[3] for line in lines]))
    return found


def plan_of_keys(connection: Connection, query: Query) -> list[str]:
    (found,) = [steps for asked, steps in plans(connection, query) if "ORDER BY" in asked]
    return found


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
    assert plan == ["SCAN kfp_runs USING COVERING INDEX kfp_runs_in_order_created"]


def test_a_condition_on_a_time_is_an_index(connection: Connection) -> None:
    late = Condition(column="finished_at", operation=Operation.GREATER_THAN, value=NOON)
    order = Order(column="finished_at", descending=True)
    (step,) = plan_of_keys(connection, Query(conditions=(late,), order=order, size=20))
    assert step.startswith("SEARCH kfp_runs USING INDEX kfp_runs_in_order_finished")


#: Of every kind of condition, several that many runs satisfy.
CONDITIONS = (
    Condition(column="state", operation=Operation.IN, value=("FAILED", "SUCCEEDED")),
    Condition(column="state", operation=Operation.NOT_EQUALS, value="FAILED"),
    Condition(column="storage_state", operation=Operation.EQUALS, value="AVAILABLE"),
    Condition(column="created_at", operation=Operation.GREATER_THAN, value=NOON),
    Condition(column="finished_at", operation=Operation.LESS_THAN, value=NOON),
    Condition(column="description", operation=Operation.IS_SUBSTRING, value="a"),
)


@pytest.mark.parametrize("column", ORDERS)
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("leaving", [False, True])
def test_no_list_sorts_or_counts_over_the_runs_themselves(
    connection: Connection, column: str, *, several: bool, leaving: bool
) -> None:
    """A run's row holds its spec: 100,000 of them are a hundred times an index over them."""
    if leaving:
        open_run = Run(
            run_id="r", display_name="r", experiment_id="e", created_at=NOON, pipeline_spec={}
        )
        runs.insert_run(connection, open_run)
        assert not runs.request_removal(connection, "r")
    for condition in CONDITIONS:
        both = (condition, CONDITIONS[-1]) if several else (condition,)
        for asked, steps in plans(
            connection, Query(conditions=both, order=Order(column=column), size=20)
        ):
            of_runs = [step for step in steps if "kfp_runs" in step]
            assert of_runs
            for step in of_runs:
                assert " INDEX " in step, (condition, step)
            if "count(*)" in asked and condition.column != "finished_at":
                assert " COVERING " in of_runs[0], (condition, of_runs)
            if any("TEMP B-TREE" in step for step in steps) and " IN (" not in asked:
                assert " COVERING " in of_runs[0], (condition, of_runs)


@pytest.mark.parametrize("operation", ["GREATER_THAN", "LESS_THAN_EQUALS", "NOT_EQUALS"])
@pytest.mark.parametrize("column", ORDERS)
def test_a_metric_of_many_is_walked_along_the_order_and_counted_in_its_index(
    connection: Connection, column: str, operation: str
) -> None:
    """So the first page is read as soon as it is full, and no run is read for the count."""
    one = Condition(column="metrics.a", operation=Operation[operation], value=0.5)
    query = Query(conditions=(one,), order=Order(column=column), size=20)
    walk = plan_of_keys(connection, query)
    assert " INDEX kfp_runs_in_order" in walk[0] or column == "run_id"
    assert walk[0].startswith("SCAN kfp_runs")
    assert walk[-1] == "SEARCH kfp_run_metrics USING PRIMARY KEY (run_id=? AND name=?)"
    assert not [step for step in walk if "TEMP B-TREE" in step]
    counts = [steps for asked, steps in plans(connection, query) if "count(*)" in asked]
    for steps in counts:
        assert "SEARCH kfp_run_metrics USING COVERING INDEX" in steps[-1] or "SCAN" in steps[-1]
        assert not [step for step in steps if "kfp_runs" in step]
