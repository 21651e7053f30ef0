"""How long one page of a list of 100,000 runs takes: each order, and each filter at worst.

Medians, of the first page and of one in the middle.

python -m bench.lists [--runs N]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import insert

from flowmaker.pipelines.repository.conditions import Condition, Operation, Order, Position, Query
from flowmaker.pipelines.repository.listing import list_runs
from flowmaker.store.database import Database, Transaction
from flowmaker.store.schema.pipelines import metrics, run_metrics, runs, tasks

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = 9
NOON = START + timedelta(hours=12)
#: The orders, and a value in the middle of each.
MIDDLE: dict[str, str | datetime] = {
    "created_at": NOON,
    "finished_at": NOON,
    "scheduled_at": NOON,
    "display_name": "run 5",
    "run_id": "0000c000",
    "state": "FAILED",
}
FILTERS = {
    "display_name IS_SUBSTRING": Condition(
        column="display_name", operation=Operation.IS_SUBSTRING, value="run 9999"
    ),
    "display_name IS_SUBSTRING of none": Condition(
        column="display_name", operation=Operation.IS_SUBSTRING, value="zebra"
    ),
    "display_name EQUALS": Condition(
        column="display_name", operation=Operation.EQUALS, value="run 777"
    ),
    "experiment_id EQUALS": Condition(
        column="experiment_id", operation=Operation.EQUALS, value="experiment-3"
    ),
    "storage_state EQUALS": Condition(
        column="storage_state", operation=Operation.EQUALS, value="AVAILABLE"
    ),
    "state NOT_EQUALS": Condition(
        column="state", operation=Operation.NOT_EQUALS, value="SUCCEEDED"
    ),
    "state IN": Condition(column="state", operation=Operation.IN, value=("FAILED", "CANCELED")),
    "finished_at GREATER_THAN": Condition(
        column="finished_at",
        operation=Operation.GREATER_THAN,
        value=START + timedelta(seconds=99_000),
    ),
    "created_at GREATER_THAN": Condition(
        column="created_at", operation=Operation.GREATER_THAN, value=NOON
    ),
}


def metric(operation: Operation, value: float) -> Condition:
    """A number that each run has another of, from 0 to 1."""
    return Condition(column="metrics.accuracy", operation=operation, value=value)


SUCCEEDED = Condition(column="state", operation=Operation.EQUALS, value="SUCCEEDED")
#: Each with how many of 100,000 runs it is true of.
METRICS: dict[str, tuple[Condition, ...]] = {
    "a metric GREATER_THAN, of 50": (metric(Operation.GREATER_THAN, 0.9995),),
    "a metric GREATER_THAN, of one in fifty": (metric(Operation.GREATER_THAN, 0.98),),
    "a metric GREATER_THAN, of half": (metric(Operation.GREATER_THAN, 0.5),),
    "a metric NOT_EQUALS, of all but one": (metric(Operation.NOT_EQUALS, 0.5),),
    "a metric GREATER_THAN, of 50, and a state": (
        metric(Operation.GREATER_THAN, 0.9995),
        SUCCEEDED,
    ),
    "a metric GREATER_THAN, of half, and a state": (metric(Operation.GREATER_THAN, 0.5), SUCCEEDED),
}


def rows(count: int) -> Iterator[dict[str, object]]:
    """Runs as a busy folder has them: most succeeded, one in ten failed, in ten experiments."""
    for number in range(count):
        made = START + timedelta(seconds=number)
        yield {
            "run_id": f"{number * 7919 % count:08x}",
            "display_name": f"run {number}",
            "experiment_id": f"experiment-{number % 10}",
            "description": "",
            "namespace": "",
            "service_account": "",
            "state": "FAILED" if number % 10 == 0 else "SUCCEEDED",
            "state_history": [],
            "storage_state": "AVAILABLE",
            "created_at": made,
            "scheduled_at": made,
            "finished_at": made + timedelta(seconds=30),
            "error": "",
            "pipeline_id": "",
            "pipeline_version_id": "",
            "pipeline_spec": {"filler": "x" * 2000},
            "platform_spec": {},
            "parameters": {},
            "pipeline_root": "",
            "terminate_requested": False,
            "revision": 0,
        }


def measured(made: dict[str, object], number: int, count: int) -> dict[str, object]:
    """One metric of a run."""
    value = (number * 6151 % count) / count
    return {
        "task_id": made["run_id"],
        "run_id": made["run_id"],
        "name": "accuracy",
        "value": value,
    }


def fill(tx: Transaction, count: int) -> None:
    made = list(rows(count))
    tx.execute(insert(runs), made)
    empty = {column.name: "" for column in tasks.columns if not column.nullable}
    empty |= {"created_at": START, "attempt": 0, "revision": 0, "kind": "CONTAINER"}
    tx.execute(
        insert(tasks),
        [{**empty, "task_id": one["run_id"], "run_id": one["run_id"]} for one in made],
    )
    values = [measured(one, number, count) for number, one in enumerate(made)]
    tx.execute(insert(metrics), values)
    tx.execute(
        insert(run_metrics),
        [
            {
                "run_id": one["run_id"],
                "name": one["name"],
                "least": one["value"],
                "greatest": one["value"],
            }
            for one in values
        ],
    )


#: Of every list that was measured.
MEDIANS: list[float] = []


def median_ms(database: Database, query: Query) -> float:
    """Milliseconds for one page, without HTTP."""
    took: list[float] = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        database.read_now(list_runs, query)
        took.append((time.perf_counter() - begun) * 1000)
    MEDIANS.append(statistics.median(took))
    return MEDIANS[-1]


def both_pages(
    database: Database,
    conditions: tuple[Condition, ...],
    column: str,
    middle: str | datetime,
    *,
    descending: bool,
) -> tuple[float, float]:
    """The first page of an order, and one in the middle of all."""
    first = Query(conditions=conditions, order=Order(column=column, descending=descending), size=20)
    midway = replace(first, after=Position(value=middle, key="0"))
    return median_ms(database, first), median_ms(database, midway)


def worst(database: Database, conditions: tuple[Condition, ...]) -> str:
    """How long a filter takes in the order in which it takes longest."""
    took = {
        f"{column} {way}": max(
            both_pages(database, conditions, column, value, descending=way == "desc")
        )
        for column, value in MIDDLE.items()
        for way in ("asc", "desc")
    }
    slowest = max(took, key=lambda order: took[order])
    usual = took["created_at desc"]
    return f"{usual:.1f} ms by created_at desc; at most {took[slowest]:.1f} ms, by {slowest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        database = Database(Path(folder) / "flowmaker.db")
        try:
            database.write_now(fill, count)
            for column, value in MIDDLE.items():
                for descending in (False, True):
                    took = both_pages(database, (), column, value, descending=descending)
                    way = "desc" if descending else "asc"
                    print(f"sort {column} {way}: {took[0]:.1f} ms, midway {took[1]:.1f} ms")
            filters = {name: (condition,) for name, condition in FILTERS.items()} | METRICS
            for name, conditions in filters.items():
                print(f"filter {name}: {worst(database, conditions)}")
            print(f"p50 of these {len(MEDIANS)} lists: {statistics.median(MEDIANS):.1f} ms")
        finally:
            database.close()


if __name__ == "__main__":
    main()
