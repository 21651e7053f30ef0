"""Tuning jobs of AWS's size: a hundred trials at a time, ten thousand in all, which are played."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from flowmaker.executors.executor import ProcessSpec
from flowmaker.executors.room import Amount, Room
from flowmaker.sagemaker.controllers.room import JobRoom
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.tuning import Counts, TuningState
from flowmaker.sagemaker.repository import resources, trials
from flowmaker.store.database import Database
from flowmaker.store.schema.sagemaker import trials as table
from tests.fakes.sagemaker import ACCOUNT, REGION, Bench, bench, opt_ml
from tests.unit.test_sagemaker_quotas import tuning

GIB = 1 << 30
#: Four instances of ml.m5.large fill its cores.
MACHINE = Amount(millicores=8000, memory=64 * GIB)
MOST, PARALLEL = 10_000, 100
#: What a played training is as good as, by its number.
OBJECTIVES = {MOST: 0.25}


class Trainings:
    """Played trainings: each says its objective and ends."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.names: list[str] = []

    def __call__(self, spec: ProcessSpec) -> int:
        name = spec.env["TRAINING_JOB_NAME"]
        self.names.append(name)
        (opt_ml(spec) / "model" / "xgboost-model").write_text(name)
        value = OBJECTIVES.get(int(name.split("-")[1]), 0.75)
        (self.root / "jobs" / spec.id / "log").write_text(f"[0]\tvalidation-rmse:{value}\n")
        return 0


@pytest.fixture
def trainings(tmp_path: Path) -> Trainings:
    return Trainings(tmp_path)


@pytest.fixture
async def at(tmp_path: Path, trainings: Trainings) -> AsyncIterator[Bench]:
    async with bench(tmp_path, trainings, room=JobRoom(Room(MACHINE))) as made:
        await made.put("train/a.csv", b"1,2\n")
        yield made


def request(parallel: int, most: int) -> dict[str, Any]:
    asked = dict(tuning(parallel))
    config = dict(asked["HyperParameterTuningJobConfig"])
    limits = {"MaxNumberOfTrainingJobs": most, "MaxParallelTrainingJobs": parallel}
    return {**asked, "HyperParameterTuningJobConfig": {**config, "ResourceLimits": limits}}


async def described(at: Bench) -> Any:
    name = {"HyperParameterTuningJobName": "tuned"}
    return await at.ask("DescribeHyperParameterTuningJob", **name)


async def ended(at: Bench) -> Any:
    return await at.until(
        lambda: described(at), lambda job: job["HyperParameterTuningJobStatus"] != "InProgress"
    )


async def tuning_job(at: Bench) -> Resource:
    found = await at.database.read(resources.find, Kind.TUNING_JOB, ACCOUNT, REGION, "tuned")
    assert found is not None
    return found


def rows(job: Resource, numbers: range) -> list[dict[str, Any]]:
    """Trials that have ended, as the table has them."""
    one = {
        "tuning_id": job.id,
        "job_id": "gone",
        "name": "gone",
        "definition": "",
        "chosen": {"num_round": "3"},
        "created_at": job.created_at,
        "ending": "Completed",
        "ended_at": job.created_at,
    }
    return [{**one, "number": number, "objective": 1 + number % 977} for number in numbers]


def as_if_many_had_ended(tx: Connection, job: Resource) -> None:
    """All but the last have been made, and but the first have ended."""
    tx.execute(insert(table), rows(job, range(2, MOST)))
    ended = MOST - 2
    counts = Counts(made=MOST - 1, completed=ended, measured=ended, best=1.0, since_best=23)
    state = replace(decode(TuningState, job.state), counts=counts)
    assert resources.save(tx, replace(job, state=encode(state)))


async def test_a_hundred_trials_wait_for_room_and_are_stopped(
    at: Bench, trainings: Trainings
) -> None:
    at.fill()
    await at.ask("CreateHyperParameterTuningJob", **request(PARALLEL, most=130))
    job = await at.until(lambda: tuning_job(at), lambda job: "made" in str(job.state["counts"]))
    room = at.parts.room.room
    await at.until(lambda: asyncio.sleep(0, room.waiting()), lambda found: len(found) == PARALLEL)
    assert (await described(at))["TrainingJobStatusCounters"]["InProgress"] == PARALLEL
    running = await at.database.read(trials.open_trials, job.id)
    assert [trial.number for trial, _ in running] == list(range(1, PARALLEL + 1))

    name = {"HyperParameterTuningJobName": "tuned"}
    await at.ask("StopHyperParameterTuningJob", **name)
    done = await at.until(
        lambda: described(at), lambda job: job["HyperParameterTuningJobStatus"] == "Stopped"
    )

    assert done["TrainingJobStatusCounters"]["Stopped"] == PARALLEL
    assert not room.waiting()
    assert not trainings.names, "there was no room"


async def test_the_last_of_ten_thousand_trials_is_made_and_counted(
    at: Bench, trainings: Trainings
) -> None:
    release = at.fill()
    await at.ask("CreateHyperParameterTuningJob", **request(parallel=1, most=MOST))
    job = await at.until(lambda: tuning_job(at), lambda job: "made" in str(job.state["counts"]))
    await at.database.write(as_if_many_had_ended, job)
    release()

    done = await ended(at)

    assert done["HyperParameterTuningJobStatus"] == "Completed", done
    assert done["TrainingJobStatusCounters"]["Completed"] == MOST
    assert done["ObjectiveStatusCounters"] == {"Succeeded": MOST, "Pending": 0, "Failed": 0}
    assert len(trainings.names) == 2, "the first and the last"
    assert done["BestTrainingJob"]["TrainingJobName"] == trainings.names[-1]
    counted = await at.database.read(trials.counts, job.id, maximize=False)
    state = decode(TuningState, (await tuning_job(at)).state)
    assert counted == state.counts, "as by going through all of them"


class Work:
    """Counts what SQLite does: its machine's instructions, a hundred at a time."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self) -> int:
        self.done += 1
        return 0

    def of(self, tx: Connection, function: Callable[..., Any], *given: Any, **named: Any) -> int:
        """How much `function` makes it do; what it returns must not be more than is asked for."""
        connection: Any = tx.connection.driver_connection
        self.done = 0
        connection.set_progress_handler(self, 100)
        try:
            found = function(tx, *given, **named)
        finally:
            connection.set_progress_handler(None, 0)
        assert not isinstance(found, list) or len(found) <= 500
        return self.done


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (trials.open_trials, {}),
        (trials.best, {"maximize": True}),
        (trials.best, {"maximize": False}),
        (trials.latest, {"limit": 500}),
    ],
)
def test_what_a_decision_reads_does_not_grow_with_the_trials(
    database: Database, read: Callable[..., Any], given: dict[str, Any]
) -> None:
    job, work = a_tuning_job(), Work()
    database.write_now(lambda tx: tx.execute(insert(table), rows(job, range(1, 1001))))
    few = database.read_now(lambda tx: work.of(tx, read, job.id, **given))
    database.write_now(lambda tx: tx.execute(insert(table), rows(job, range(1001, MOST + 1))))
    many = database.read_now(lambda tx: work.of(tx, read, job.id, **given))
    assert many <= few * 1.5 + 5, f"{few} for 1,000 trials, {many} for ten times as many"


@pytest.mark.parametrize("definition", [None, ""])
@pytest.mark.parametrize("maximize", [True, False])
def test_what_the_tuner_is_told_is_the_best_and_the_latest(
    database: Database, definition: str | None, *, maximize: bool
) -> None:
    job, work = a_tuning_job(), Work()
    asked = trials.Telling(
        tuning_id=job.id, definition=definition, maximize=maximize, best=100, latest=400
    )
    database.write_now(lambda tx: tx.execute(insert(table), rows(job, range(1, 1001))))
    few = database.read_now(lambda tx: work.of(tx, trials.telling, asked))
    database.write_now(lambda tx: tx.execute(insert(table), rows(job, range(1001, MOST + 1))))
    many = database.read_now(lambda tx: work.of(tx, trials.telling, asked))
    assert many <= few * 1.5 + 5, f"{few} for 1,000 trials, {many} for ten times as many"

    told = database.read_now(trials.telling, asked)

    every = [(1 + number % 977, number) for number in range(1, MOST + 1)]
    every.sort(key=lambda one: (-one[0] if maximize else one[0], one[1]))
    wanted = {number for _, number in every[:100]} | set(range(MOST - 399, MOST + 1))
    assert [one.number for one in told] == sorted(wanted)


def a_tuning_job() -> Resource:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Resource(
        id="tuned",
        kind=Kind.TUNING_JOB,
        account=ACCOUNT,
        region=REGION,
        name="tuned",
        arn="arn",
        status="InProgress",
        open=True,
        created_at=now,
        modified_at=now,
        request={},
        state={},
    )
