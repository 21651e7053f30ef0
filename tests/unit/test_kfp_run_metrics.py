"""Runs are found by what their tasks measured."""

import json
import math
import operator
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import filters
from flowmaker.pipelines.records.run import Run, RuntimeState, Task, TaskKind
from flowmaker.pipelines.repository import listing, metrics, runs
from flowmaker.pipelines.repository.conditions import Condition, Operation, Order, Query
from flowmaker.store.database import Database

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def artifact(kind: str, **metadata: Any) -> dict[str, Any]:
    return {"uri": "s3://b/k", "type": {"schemaTitle": f"system.{kind}"}, "metadata": metadata}


def task(run_id: str, name: str, *artifacts: dict[str, Any], **more: Any) -> Task:
    given: dict[str, Any] = {"kind": TaskKind.CONTAINER, "state": RuntimeState.SUCCEEDED} | more
    return Task(
        task_id=f"{run_id}-{name}",
        parent_task_id="",
        run_id=run_id,
        name=name,
        component=name,
        created_at=NOON,
        outputs={"parameters": {}, "artifacts": {"metrics": list(artifacts)}},
        **given,
    )


def insert(database: Database, run_id: str, *tasks: Task) -> None:
    run = Run(
        run_id=run_id,
        display_name=run_id,
        experiment_id="e",
        created_at=NOON,
        state=RuntimeState.SUCCEEDED,
        pipeline_spec={},
    )
    database.write_now(runs.insert_run, run)
    after = replace(run, revision=run.revision + 1)
    assert database.write_now(lambda tx: runs.apply(tx, after, inserted=tasks))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "flowmaker.db")
    insert(made, "good", task("good", "a", artifact("Metrics", accuracy=0.97, rows=7, of="test")))
    insert(made, "bad", task("bad", "a", artifact("Metrics", accuracy=0.4)))
    both = (artifact("Metrics", accuracy=0.5), artifact("Model", accuracy=9))
    insert(made, "both", task("both", "a", both[0]), task("both", "b", both[1]))
    yield made
    made.close()


def found(database: Database, *predicates: dict[str, Any]) -> list[str]:
    conditions = filters.parse(json.dumps({"predicates": list(predicates)}), filters.RUN)
    query = Query(conditions=conditions, order=Order(column="run_id"), size=10)
    page = database.read_now(listing.list_runs, query)
    assert page.total == len(page.items)
    return [each.run_id for each in page.items]


def accuracy(operation: str, value: str) -> dict[str, Any]:
    return {"key": "metrics.accuracy", "operation": operation, "string_value": value}


def test_a_value_of_one_task_is_enough(database: Database) -> None:
    assert found(database, accuracy("GREATER_THAN", "0.9")) == ["good"]
    assert found(database, accuracy("LESS_THAN_EQUALS", "0.5")) == ["bad", "both"]
    assert found(database, accuracy("GREATER_THAN", "0"), accuracy("LESS_THAN", "0.45")) == ["bad"]
    rows = {"key": "metrics.rows", "operation": "EQUALS", "int_value": 7}
    assert found(database, rows) == ["good"]
    named = {"key": "name", "operation": "IS_SUBSTRING", "string_value": "o"}
    assert found(database, accuracy("LESS_THAN", "0.9"), named) == ["both"]
    assert found(database, {**rows, "key": "metrics.of"}) == []


def test_pages_of_many_are_walked_along_their_order(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FEW", -1)
    some = Condition(column="metrics.accuracy", operation=Operation.LESS_THAN, value=0.9)
    first = Query(conditions=(some,), order=Order(column="created_at"), size=1)
    page = database.read_now(listing.list_runs, first)
    assert (page.items[0].run_id, page.total) == ("bad", 2)
    second = database.read_now(listing.list_runs, replace(first, after=page.last))
    assert [each.run_id for each in second.items] == ["both"]


COMPARISONS = {
    Operation.EQUALS: operator.eq,
    Operation.NOT_EQUALS: operator.ne,
    Operation.GREATER_THAN: operator.gt,
    Operation.GREATER_THAN_EQUALS: operator.ge,
    Operation.LESS_THAN: operator.lt,
    Operation.LESS_THAN_EQUALS: operator.le,
}


@pytest.mark.parametrize("few", [listing.FEW, -1])
def test_every_comparison_means_one_of_the_tasks(
    database: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Of few or many runs, and in each order: as one finds who looks at every task."""
    monkeypatch.setattr(listing, "FEW", few)
    values = {"folds": [0.2, 0.5, 0.6, 0.6], "flat": [0.5, 0.5]}
    for run_id, measured in values.items():
        made = [artifact("Metrics", accuracy=value) for value in measured]
        insert(database, run_id, *(task(run_id, str(at), one) for at, one in enumerate(made)))
    values |= {"good": [0.97], "bad": [0.4], "both": [0.5]}
    other = Condition(column="state", operation=Operation.NOT_EQUALS, value="FAILED")
    orders = ("run_id", "created_at", "finished_at")
    for operation, value, column in product(COMPARISONS, (0.2, 0.4, 0.5, 0.6), orders):
        compare = COMPARISONS[operation]
        wanted = {each for each in values if any(compare(one, value) for one in values[each])}
        one = Condition(column="metrics.accuracy", operation=operation, value=value)
        for conditions in ((one,), (one, other), (one, one)):
            query = Query(conditions=conditions, order=Order(column=column), size=10)
            page = database.read_now(listing.list_runs, query)
            assert {each.run_id for each in page.items} == wanted
            assert (page.total, len(page.items)) == (len(wanted), len(wanted))


def test_a_task_that_is_made_anew_takes_its_metrics_back(database: Database) -> None:
    both = database.read_now(runs.get_run, "both")
    assert both is not None
    after = replace(both, revision=both.revision + 1)
    low = task("both", "c", artifact("Metrics", accuracy=0.1))
    assert database.write_now(lambda tx: runs.apply(tx, after, inserted=[low], removed=["both-a"]))
    assert found(database, accuracy("GREATER_THAN", "0.45")) == ["good"]
    assert found(database, accuracy("LESS_THAN", "0.2")) == ["both"]
    database.write_now(runs.delete_run, "both")
    assert found(database, accuracy("LESS_THAN", "0.2")) == []


@pytest.mark.parametrize("value", ["much", "nan", ""])
def test_what_is_no_number_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="is no number"):
        filters.parse(json.dumps({"predicates": [accuracy("EQUALS", value)]}), filters.RUN)


def test_a_number_has_no_parts() -> None:
    with pytest.raises(InvalidInput, match="no substring"):
        filters.parse(json.dumps({"predicates": [accuracy("IS_SUBSTRING", "1")]}), filters.RUN)
    with pytest.raises(InvalidInput, match=r"'metrics\.accuracy' is no key"):
        filters.parse(json.dumps({"predicates": [accuracy("EQUALS", "1")]}), filters.EXPERIMENT)


def test_metrics_go_with_their_task(database: Database) -> None:
    assert database.read_now(metrics.of_runs, ["good", "bad", "none"], 100) == {
        "good": {"accuracy": [0.97], "rows": [7.0]},
        "bad": {"accuracy": [0.4]},
    }
    database.write_now(runs.delete_run, "good")
    assert database.read_now(metrics.of_runs, ["good"], 100) == {}
    assert database.read_now(metrics.names, 100) == ["accuracy"]


def test_what_is_no_number_or_of_no_container_is_no_metric() -> None:
    odd = artifact("Metrics", yes=True, no=math.inf, text="1", list=[1])
    assert metrics.measured(task("r", "a", odd)) == {}
    group = task("r", "a", artifact("Metrics", accuracy=1), kind=TaskKind.DAG)
    assert metrics.measured(group) == {}


@pytest.mark.parametrize("lacks", [("kfp_run_metrics",), ("kfp_metrics", "kfp_run_metrics")])
def test_an_older_data_folder_is_searched_too(
    tmp_path: Path, database: Database, lacks: tuple[str, ...]
) -> None:
    database.close()
    with sqlite3.connect(tmp_path / "flowmaker.db") as old:
        for table in lacks:
            old.execute(f"DROP TABLE {table}")
    again = Database(tmp_path / "flowmaker.db")
    assert found(again, accuracy("GREATER_THAN", "0.45")) == ["both", "good"]
    again.close()
