"""A run that is deleted before it has ended: gone for everybody at once, and then for good."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowmaker.clock import SystemClock
from flowmaker.executors.room import Amount, Room
from flowmaker.pipelines.controllers.retention import RetentionController
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.pipelines.driver.workspace import claim_name
from flowmaker.pipelines.records.run import Run, RuntimeState
from flowmaker.pipelines.repository import exchanges, listing, nodes, recurring, runs, steps
from flowmaker.pipelines.repository.conditions import Condition, Operation, Order, Query
from flowmaker.store.database import Database
from tests.fakes.engine import Engine, OneEnvironment, engine
from tests.fakes.executor import FakeExecutor
from tests.unit.test_kfp_lifecycle_controller import Later, pipeline, quiet, until

START = datetime(2026, 1, 1, tzinfo=UTC)
WHATEVER = {"triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}


def run(number: int, state: RuntimeState = RuntimeState.RUNNING) -> Run:
    return Run(
        run_id=f"run-{number}",
        display_name=f"number {number % 3}",
        experiment_id="e",
        created_at=START + timedelta(seconds=number),
        pipeline_spec={},
        state=state,
    )


@pytest.fixture
def executor(tmp_path: Path) -> FakeExecutor:
    return FakeExecutor(tmp_path / "jobs")


@pytest.fixture
def environment() -> OneEnvironment:
    return OneEnvironment(Path("/"))


def test_one_that_has_ended_goes_at_once(database: Database) -> None:
    database.write_now(runs.insert_run, run(1, RuntimeState.FAILED))
    assert database.write_now(runs.request_removal, "run-1")
    assert database.read_now(runs.get_run_or_leaving, "run-1") is None
    assert not database.read_now(runs.are_any_leaving)


@pytest.mark.parametrize(
    "state", [RuntimeState.PENDING, RuntimeState.RUNNING, RuntimeState.CANCELING]
)
def test_one_that_goes_on_is_there_for_its_controllers_only(
    database: Database, state: RuntimeState
) -> None:
    database.write_now(runs.insert_run, replace(run(1, state), recurring_run_id="again"))
    for _ in range(2):  # a second time changes nothing
        assert not database.write_now(runs.request_removal, "run-1")
    assert database.read_now(runs.get_run, "run-1") is None
    assert database.read_now(steps.mark_of, "run-1") is None
    assert database.read_now(steps.revision_of, "run-1") is None
    assert database.read_now(exchanges.exchanges, 10, 10) == (0, [])
    assert not database.write_now(runs.request_retry, "run-1", START)
    kept = database.read_now(runs.get_run_or_leaving, "run-1")
    assert kept is not None
    assert kept.terminate_requested
    assert database.read_now(runs.open_run_ids) == ["run-1"]
    assert database.read_now(recurring.active_runs, "again") == 1, "as long as it takes room"
    assert database.write_now(runs.remove_if_leaving, "run-1")
    assert database.read_now(runs.get_run_or_leaving, "run-1") is None
    assert not database.write_now(runs.remove_if_leaving, "run-1")
    assert not database.read_now(runs.are_any_leaving)


def test_one_that_was_not_deleted_is_not_removed(database: Database) -> None:
    database.write_now(runs.insert_run, run(1, RuntimeState.CANCELED))
    assert not database.write_now(runs.remove_if_leaving, "run-1")
    assert database.read_now(runs.get_run, "run-1") is not None


CONDITIONS: dict[str, tuple[Condition, ...]] = {
    "all": (),
    "running": (Condition(column="state", operation=Operation.EQUALS, value="RUNNING"),),
    "a name": (Condition(column="display_name", operation=Operation.NOT_EQUALS, value="x"),),
    "measured": (
        Condition(column="metrics.accuracy", operation=Operation.GREATER_THAN, value=0.5),
    ),
}


@pytest.mark.parametrize("few", [0, 1000], ids=["walked along", "gathered"])
@pytest.mark.parametrize("conditions", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("column", ["created_at", "finished_at", "display_name", "run_id"])
def test_lists_and_their_counts_leave_it_out(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    conditions: tuple[Condition, ...],
    few: int,
) -> None:
    monkeypatch.setattr(listing, "FEW", few)
    for number in range(9):
        database.write_now(runs.insert_run, run(number))
        database.write_now(_measured, f"run-{number}")
    for number in (0, 4, 8):
        database.write_now(runs.request_removal, f"run-{number}")
    query = Query(conditions=conditions, order=Order(column=column), size=2)
    found: list[str] = []
    while True:
        page = database.read_now(listing.list_runs, query)
        assert page.total == 6
        found += [each.run_id for each in page.items]
        if page.last is None:
            break
        query = replace(query, after=page.last)
    assert sorted(found) == [f"run-{number}" for number in (1, 2, 3, 5, 6, 7)]


def _measured(tx: Any, run_id: str) -> None:
    tx.exec_driver_sql(
        "INSERT INTO kfp_run_metrics (run_id, name, least, greatest) VALUES (?, 'accuracy', 1, 1)",
        (run_id,),
    )


async def gone(made: Engine, run_id: str = "run-1") -> None:
    """When its rows are."""

    def is_there() -> bool:
        return made.database.read_now(runs.get_run_or_leaving, run_id) is not None

    await until(lambda: not is_there())


def _states(made: Engine) -> list[RuntimeState]:
    return [task.state for task in made.database.read_now(runs.tasks_of, "run-1")]


async def delete(made: Engine, run_id: str = "run-1") -> None:
    assert not await made.database.write(runs.request_removal, run_id)
    made.hints.hint("run", run_id)


async def test_its_rows_and_its_room_stay_until_the_last_of_its_processes_has_ended(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
) -> None:
    executor.obeys_stop = False
    spec, platform = pipeline("a", "b", "exit", after={"exit": ["a", "b"]})
    spec["root"]["dag"]["tasks"]["exit"] |= WHATEVER
    container = spec["deploymentSpec"]["executors"]["e"]["container"]
    container["resources"] = {"resourceCpuRequest": "1"}
    room = Room(Amount(millicores=2000, memory=8 << 30))
    hinted: list[str] = []
    async with engine(tmp_path, executor, environment, room=room) as made:
        made.hints.listen("run-retention", hinted.append)
        await made.submit((spec, platform))
        await until(lambda: len(executor.started) == 2)
        await quiet(made)
        await delete(made)
        await until(lambda: len(executor.stops) == 2)
        a, b = executor.started
        executor.finish(a, -15, reason="stopped")
        await until(lambda: RuntimeState.CANCELED in _states(made))
        assert RuntimeState.CANCELING in _states(made)
        assert len(room.held()) == 1
        assert not hinted
        executor.finish(b, 0)
        await gone(made)
        await until(lambda: hinted)
        assert await made.database.read(nodes.all_task_ids) == set()
        assert not room.held()
    assert len(executor.started) == 2, "an exit handler does not run"
    assert [process for process, _ in executor.stops] == [a, b], "each is told once"
    assert hinted == ["run-1"]


async def test_its_workspace_stays_as_long(database: Database, executor: FakeExecutor) -> None:
    removed: list[str] = []

    async def claims() -> list[tuple[str, str]]:
        return [("kubeflow", claim_name("run-1"))]

    async def remove(_namespace: str, name: str, _of: str) -> bool:
        removed.append(name)
        return True

    async def nothing(_task_id: str) -> dict[str, str]:
        return {}

    async def no_secret(_namespace: str, _name: str) -> None:
        return None

    settings = RunSettings(
        worker_environment=nothing,
        secret=no_secret,
        endpoint="",
        claims=claims,
        remove_claim=remove,
    )
    retention = RetentionController(database, executor, SystemClock(), settings)
    await database.write(runs.insert_run, run(1))
    assert not await database.write(runs.request_removal, "run-1")
    assert list(await retention.open_keys()) == ["run-1"], "as after a restart"
    await retention.reconcile("run-1")
    assert not removed
    assert await database.write(runs.remove_if_leaving, "run-1")
    await retention.reconcile("run-1")
    assert removed == [claim_name("run-1")]


async def test_one_that_waits_goes_at_once(tmp_path: Path, executor: FakeExecutor) -> None:
    later = Later()
    async with engine(tmp_path, executor, later) as made:
        await made.submit(pipeline("a"))
        await until(lambda: later.waiting)
        await delete(made)
        await gone(made)
    assert not executor.started


async def test_one_that_was_deleted_before_a_kill_goes_after_it(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
) -> None:
    """As fresh work does: nobody hints."""
    async with engine(tmp_path, executor, environment) as made:
        await made.submit(pipeline("a"))
        await until(lambda: executor.started)
        await quiet(made)
    database = Database(tmp_path / "flowmaker.db")
    assert not database.write_now(runs.request_removal, "run-1")
    database.close()
    async with engine(tmp_path, executor, environment) as made:
        await gone(made)
    assert [process for process, _ in executor.stops] == list(executor.started)


async def test_one_whose_end_was_written_before_a_kill_goes_after_it(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
) -> None:
    database = Database(tmp_path / "flowmaker.db")
    database.write_now(runs.insert_run, run(1))
    assert not database.write_now(runs.request_removal, "run-1")
    leaving = database.read_now(runs.get_run_or_leaving, "run-1")
    assert leaving is not None
    ended = replace(leaving, state=RuntimeState.CANCELED, revision=leaving.revision + 1)
    assert database.write_now(runs.apply, ended)
    database.close()
    async with engine(tmp_path, executor, environment) as made:
        await gone(made)


async def test_one_that_cannot_be_read_goes(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
) -> None:
    """Its pipeline root has gone meanwhile."""
    database = Database(tmp_path / "flowmaker.db")
    spec, _ = pipeline("a")
    root = {"pipeline_root": "s3://nowhere/root"}
    lost: Any = replace(run(1), pipeline_spec=spec, **root)
    database.write_now(runs.insert_run, lost)
    assert not database.write_now(runs.request_removal, "run-1")
    database.close()
    async with engine(tmp_path, executor, environment) as made:
        await gone(made)


async def test_its_recurring_run_is_told(
    tmp_path: Path, executor: FakeExecutor, environment: OneEnvironment
) -> None:
    hinted: list[str] = []
    async with engine(tmp_path, executor, environment) as made:
        made.hints.listen("recurring_run", hinted.append)
        await made.submit(pipeline("a"), recurring_run_id="again")
        await until(lambda: executor.started)
        await delete(made)
        await until(lambda: hinted)
        assert await made.database.read(runs.get_run_or_leaving, "run-1") is None
    assert hinted == ["again"]


def test_an_older_data_folder_learns_of_it(tmp_path: Path) -> None:
    path = tmp_path / "flowmaker.db"
    older = Database(path)
    older.write_now(runs.insert_run, run(1))
    older.write_now(lambda tx: tx.exec_driver_sql("DROP TABLE kfp_run_removals"))
    older.close()
    database = Database(path)
    assert not database.write_now(runs.request_removal, "run-1")
    assert database.read_now(runs.get_run, "run-1") is None
    database.close()
