"""The controller of recurring runs: each time makes one run, whatever happens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flowmaker.pipelines.controllers.recurring import LONGEST_SLEEP, RecurringRunController
from flowmaker.pipelines.records.catalog import Experiment, Pipeline, PipelineVersion
from flowmaker.pipelines.records.recurring import RecurringRun, Trigger
from flowmaker.pipelines.records.run import Run, RuntimeState
from flowmaker.pipelines.repository import catalog, listing, recurring, runs
from flowmaker.pipelines.repository.conditions import Order, Query
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database

START = datetime(2026, 11, 26, 12, tzinfo=UTC)
ROOT = {"inputDefinitions": {"parameters": {"day": {"parameterType": "STRING"}}}}
SPEC = {"pipelineInfo": {"name": "p"}, "root": ROOT}


class SetClock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time


class World:
    def __init__(self, folder: Path) -> None:
        self.database = Database(folder / "flowmaker.db")
        self.clock = SetClock()
        self.hinted: list[str] = []
        hints = Hints()
        hints.listen("run", self.hinted.append)
        self.controller = RecurringRunController(self.database, hints, self.clock)
        experiment = Experiment(experiment_id="e", display_name="e", created_at=START)
        self.database.write_now(catalog.insert_experiment, experiment)

    def keep(self, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "trigger": Trigger(interval_second=60),
            "pipeline_spec": SPEC,
            "parameters": {"day": "[[ScheduledTime.15:04]] [[Index]]"},
            **changes,
        }
        kept = RecurringRun(
            recurring_run_id="r",
            display_name="nightly",
            experiment_id="e",
            created_at=START,
            updated_at=START,
            **fields,
        )
        self.database.write_now(recurring.insert_recurring, kept)

    def runs(self) -> list[Run]:
        query = Query(order=Order(column="scheduled_at"), size=100)
        return list(self.database.read_now(listing.list_runs, query).items)

    def found(self) -> RecurringRun:
        return self.database.read_now(recurring.get_recurring, "r")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_each_time_makes_one_run_with_its_parameters(world: World) -> None:
    world.keep(max_concurrency=10)
    assert list(await world.controller.open_keys()) == ["r"]
    assert await world.controller.reconcile("r") == 60
    world.clock.time = START + timedelta(seconds=150)
    assert await world.controller.reconcile("r") == 0
    assert await world.controller.reconcile("r") == 0
    assert await world.controller.reconcile("r") == 30
    made = world.runs()
    assert [run.display_name for run in made] == ["nightly-1", "nightly-2"]
    assert [run.parameters["day"] for run in made] == ["12:01 1", "12:02 2"]
    assert [run.recurring_run_id for run in made] == ["r", "r"]
    assert [run.scheduled_at for run in made] == [START + timedelta(minutes=n) for n in (1, 2)]
    assert world.hinted == [run.run_id for run in made]


async def test_a_time_that_was_used_is_not_used_again(world: World) -> None:
    """Two looks that were decided on the same state: the second finds the time used."""
    world.keep(max_concurrency=10)
    world.clock.time = at = START + timedelta(seconds=60)
    stale = world.found()
    assert await world.controller.reconcile("r") == 0
    run = Run(run_id="twice", display_name="", experiment_id="e", created_at=at, pipeline_spec={})
    assert not await world.database.write(recurring.use_trigger, stale, at, run, "")
    assert len(world.runs()) == 1


async def test_it_waits_while_enough_runs_go_on(world: World) -> None:
    world.keep()
    world.clock.time = START + timedelta(minutes=3)
    assert await world.controller.reconcile("r") == 0
    assert await world.controller.reconcile("r") == LONGEST_SLEEP
    (run,) = world.runs()
    ended = Run(
        **{name: getattr(run, name) for name in Run.__dataclass_fields__}
        | {"state": RuntimeState.SUCCEEDED, "revision": run.revision + 1}
    )
    assert await world.database.write(runs.apply, ended)
    assert await world.controller.reconcile("r") == 0
    assert len(world.runs()) == 2


async def test_a_disabled_one_rests_and_catches_up(world: World) -> None:
    world.keep(max_concurrency=10)
    await world.database.write(recurring.set_enabled, "r", START, enabled=False)
    world.clock.time = START + timedelta(seconds=130)
    assert await world.controller.reconcile("r") is None
    assert list(await world.controller.open_keys()) == []
    await world.database.write(recurring.set_enabled, "r", START, enabled=True)
    while await world.controller.reconcile("r") == 0:
        pass
    assert len(world.runs()) == 2


async def test_the_newest_version_runs_and_a_lost_one_is_told(world: World) -> None:
    pipeline = Pipeline(pipeline_id="p", name="p", display_name="p", created_at=START)
    for minute, name in enumerate(("v1", "v2")):
        version = PipelineVersion(
            pipeline_version_id=name,
            pipeline_id="p",
            name=name,
            display_name=name,
            created_at=START + timedelta(minutes=minute),
            pipeline_spec=SPEC,
        )
        if not minute:
            await world.database.write(catalog.insert_pipeline, pipeline)
        await world.database.write(catalog.insert_version, version)
    world.keep(pipeline_id="p", pipeline_spec={}, max_concurrency=10)
    world.clock.time = START + timedelta(seconds=60)
    await world.controller.reconcile("r")
    assert [run.pipeline_version_id for run in world.runs()] == ["v2"]
    await world.database.write(catalog.delete_pipeline, "p", cascade=True)
    world.clock.time = START + timedelta(seconds=120)
    assert await world.controller.reconcile("r") == 0
    assert await world.controller.reconcile("r") == 60
    assert len(world.runs()) == 1
    assert "no pipeline 'p'" in world.found().error


async def test_an_archived_experiment_makes_no_runs(world: World) -> None:
    world.keep()
    await world.database.write(catalog.archive_experiment, "e")
    assert not world.found().enabled


async def test_one_that_is_gone_is_nothing(world: World) -> None:
    assert await world.controller.reconcile("r") is None
