"""Lists say the same whether what they show is gathered and sorted, or walked along and counted."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowmaker.pipelines.records.run import Run, RuntimeState
from flowmaker.pipelines.repository import listing, runs
from flowmaker.pipelines.repository.conditions import EPOCH, Condition, Operation, Order, Query
from flowmaker.store.database import Database

START = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 90
ORDERS = ("created_at", "finished_at", "scheduled_at", "display_name", "state", "run_id")


def condition(column: str, operation: Operation, value: Any) -> Condition:
    return Condition(column=column, operation=operation, value=value)


LATE = condition("finished_at", Operation.GREATER_THAN, START + timedelta(seconds=40))
#: Conditions, and what they mean in Python.
FILTERS: dict[str, tuple[tuple[Condition, ...], Callable[[Run], bool]]] = {
    "all": ((), lambda _: True),
    "none": ((condition("state", Operation.EQUALS, "PAUSED"),), lambda _: False),
    "a part of a name": (
        (condition("display_name", Operation.IS_SUBSTRING, "rUN 1_"),),
        lambda run: "run 1_" in run.display_name.lower(),
    ),
    "states": (
        (condition("state", Operation.IN, ("FAILED", "RUNNING")),),
        lambda run: run.state.value in ("FAILED", "RUNNING"),
    ),
    "late": ((LATE,), lambda run: (run.finished_at or EPOCH) > START + timedelta(seconds=40)),
    "late and failed": (
        (LATE, condition("state", Operation.EQUALS, "FAILED")),
        lambda run: (
            (run.finished_at or EPOCH) > START + timedelta(seconds=40)
            and run.state is RuntimeState.FAILED
        ),
    ),
    "not a name": (
        (condition("display_name", Operation.NOT_EQUALS, "run 1_"),),
        lambda run: run.display_name != "run 1_",
    ),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, list[Run]]]:
    database = Database(tmp_path_factory.mktemp("lists") / Path("flowmaker.db"))
    chance = random.Random(20)  # the same runs each time
    made = [_run(number, chance) for number in range(COUNT)]
    for run in made:
        database.write_now(runs.insert_run, run)
    yield database, made
    database.close()


def _run(number: int, chance: random.Random) -> Run:
    state = chance.choice([RuntimeState.FAILED, RuntimeState.RUNNING, RuntimeState.SUCCEEDED])
    at = START + timedelta(seconds=chance.randrange(60))
    return Run(
        run_id=f"{number * 37 % COUNT:03}",
        display_name=chance.choice(["run 1_", "Run 1_é", "run 10", "lauf"]),
        experiment_id="e",
        created_at=at,
        scheduled_at=chance.choice([None, at]),
        finished_at=at if state.is_final else None,
        state=state,
        pipeline_spec={},
    )


@pytest.mark.parametrize("few", [-1, 1000], ids=["walked", "gathered"])
@pytest.mark.parametrize("name", FILTERS)
def test_pages_hold_everything_once_and_in_order(
    filled: tuple[Database, list[Run]], monkeypatch: pytest.MonkeyPatch, name: str, few: int
) -> None:
    monkeypatch.setattr(listing, "FEW", few)
    database, made = filled
    conditions, holds = FILTERS[name]
    for column in ORDERS:
        for descending in (False, True):

            def place(run: Run, column: str = column) -> tuple[Any, str]:
                value = getattr(run, column)
                return (EPOCH if value is None else value, run.run_id)

            wanted = sorted(filter(holds, made), key=place, reverse=descending)
            order = Order(column=column, descending=descending)
            query = Query(conditions=conditions, order=order, size=7)
            shown: list[str] = []
            while True:
                page = database.read_now(listing.list_runs, query)
                assert page.total == len(wanted)
                shown += [run.run_id for run in page.items]
                if page.last is None:
                    break
                assert len(page.items) == query.size
                query = replace(query, after=page.last)
            assert shown == [run.run_id for run in wanted], (column, descending)
