"""Training jobs wait for room on the machine; their processes are played."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from flowmaker.executors.executor import ProcessSpec, ProcessState
from flowmaker.executors.room import Amount, Room
from flowmaker.sagemaker.controllers import instance_types
from flowmaker.sagemaker.controllers import room as controllers_room
from flowmaker.sagemaker.controllers.instance_types import size
from flowmaker.sagemaker.controllers.room import JobRoom
from flowmaker.sagemaker.lifecycle import training as lifecycle
from flowmaker.sagemaker.records.resource import Kind
from flowmaker.sagemaker.repository import resources
from tests.fakes.sagemaker import Bench, bench, training_request

GIB = 1 << 30
#: Two instances of ml.m5.large fill its cores.
MACHINE = Amount(millicores=4000, memory=64 * GIB)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def run_on(_: ProcessSpec) -> None:
    """A process that the test ends."""


def at_bench(folder: Path, machine: Amount = MACHINE) -> AbstractAsyncContextManager[Bench]:
    return bench(folder, run_on, room=JobRoom(Room(machine)))


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Bench]:
    async with at_bench(tmp_path) as made:
        await made.put("train/a.csv", b"1,2\n")
        yield made


async def create(at: Bench, name: str, instance: str, count: int = 1) -> None:
    wanted = {"InstanceType": instance, "InstanceCount": count, "VolumeSizeInGB": 1}
    await at.ask(
        "CreateTrainingJob", **training_request(TrainingJobName=name, ResourceConfig=wanted)
    )


async def secondary(at: Bench, name: str, *wanted: str) -> Any:
    return await at.until(
        lambda: at.ask("DescribeTrainingJob", TrainingJobName=name),
        lambda job: job["SecondaryStatus"] in wanted,
    )


def message(job: Any) -> str:
    return job["SecondaryStatusTransitions"][-1]["StatusMessage"]


def running(at: Bench) -> list[str]:
    """The names of jobs whose processes run, one for each instance."""
    found = at.executor.observations.items()
    going = [process for process, seen in found if seen.state is ProcessState.RUNNING]
    return sorted(at.executor.started[each].env["TRAINING_JOB_NAME"] for each in going)


def end(at: Bench, name: str) -> None:
    for process, spec in at.executor.started.items():
        if spec.env["TRAINING_JOB_NAME"] == name:
            at.executor.finish(process)


async def starts(at: Bench, *names: str) -> None:
    async with asyncio.timeout(10):
        while running(at) != sorted(names):  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.005)


async def test_two_that_do_not_fit_run_one_after_the_other(at: Bench) -> None:
    await create(at, "first", "ml.m5.xlarge")
    await starts(at, "first")
    await create(at, "second", "ml.m5.large")
    second = await secondary(at, "second", "Pending")
    assert second["TrainingJobStatus"] == "InProgress"
    assert "TrainingStartTime" not in second
    assert message(second) == (
        "waits for 2 cores and 8 GiB: 4 of 4 cores and 16 GiB of 64 GiB are in use by training "
        "job first"
    )
    assert running(at) == ["first"]
    end(at, "first")
    await starts(at, "second")
    end(at, "second")
    done = await secondary(at, "second", "Completed")
    assert [one["Status"] for one in done["SecondaryStatusTransitions"]] == [
        "Starting",
        "Pending",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert not at.parts.room.room.held()


async def test_a_gang_is_let_in_whole_and_nobody_passes_it(at: Bench) -> None:
    await create(at, "one", "ml.m5.large")
    await starts(at, "one")
    await create(at, "gang", "ml.m5.large", count=2)
    await secondary(at, "gang", "Pending")
    await create(at, "small", "ml.m5.large")
    small = await secondary(at, "small", "Pending")
    assert message(small).endswith("; training job gang came first")
    assert running(at) == ["one"], "there is room for one of the gang, and for the small one"
    end(at, "one")
    await starts(at, "gang", "gang")
    end(at, "gang")
    await starts(at, "small")


async def test_what_it_waits_for_is_told_anew_when_that_changes(at: Bench) -> None:
    await create(at, "one", "ml.m5.xlarge")
    await starts(at, "one")
    for name in ("two", "three"):
        await create(at, name, "ml.m5.xlarge")
        await secondary(at, name, "Pending")
    end(at, "one")
    await starts(at, "two")
    job = await at.until(
        lambda: at.ask("DescribeTrainingJob", TrainingJobName="three"),
        lambda job: "job two" in message(job),
    )
    assert message(job).endswith("are in use by training job two")


async def test_one_that_waits_is_stopped_at_once(at: Bench) -> None:
    await create(at, "first", "ml.m5.xlarge")
    await starts(at, "first")
    await create(at, "second", "ml.m5.xlarge")
    await secondary(at, "second", "Pending")
    await create(at, "third", "ml.m5.large")
    await secondary(at, "third", "Pending")
    await at.ask("StopTrainingJob", TrainingJobName="second")
    await secondary(at, "second", "Stopped")
    await at.waiting("training job third")
    assert len(at.executor.started) == 1


async def test_one_that_waited_too_long_is_stopped(at: Bench) -> None:
    at.fill()
    condition = {"MaxRuntimeInSeconds": 60, "MaxPendingTimeInSeconds": 0}
    await at.ask("CreateTrainingJob", **training_request(StoppingCondition=condition))
    job = await secondary(at, "Job-1", "Stopped")
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Pending",
        "Stopped",
    ]
    await at.waiting()


async def test_a_job_that_fails_gives_its_room_back(at: Bench) -> None:
    await create(at, "first", "ml.m5.xlarge")
    await starts(at, "first")
    await create(at, "second", "ml.m5.xlarge")
    await secondary(at, "second", "Pending")
    at.executor.lose(next(iter(at.executor.started)))
    await secondary(at, "first", "Failed")
    await starts(at, "second")


async def test_more_than_the_machine_has_runs_alone_and_its_log_says_so(at: Bench) -> None:
    await create(at, "huge", "ml.p3.16xlarge", count=2)
    await starts(at, "huge", "huge")
    await create(at, "small", "ml.m5.large")
    await secondary(at, "small", "Pending")
    log = at.executor.log(next(iter(at.executor.started)))
    assert log.read_text() == (
        "[flowmaker] 2 x ml.p3.16xlarge are 128 cores and 976 GiB; this machine has 4 cores and "
        "64 GiB: no other job runs beside this one\n"
    )


async def test_after_a_restart_what_runs_holds_its_room_and_the_order_is_kept(
    tmp_path: Path,
) -> None:
    async with at_bench(tmp_path) as at:
        await at.put("train/a.csv", b"1,2\n")
        await create(at, "runs", "ml.m5.xlarge")
        await starts(at, "runs")
        for name in ("big", "small"):
            await create(at, name, "ml.m5.xlarge" if name == "big" else "ml.m5.large")
            await secondary(at, name, "Pending")
        observations, started = at.executor.observations, at.executor.started
    async with at_bench(tmp_path) as at:
        at.executor.observations.update(observations)
        at.executor.started.update(started)
        assert [each.what for each in at.parts.room.room.held()] == ["training job runs"]
        waiting = [each.what for each in at.parts.room.room.waiting()]
        assert waiting == ["training job big", "training job small"]
        end(at, "runs")
        await starts(at, "big")
        assert (await secondary(at, "small", "Pending"))["TrainingJobStatus"] == "InProgress"


async def test_a_job_without_an_instance_type_does_not_keep_the_server_from_starting(
    tmp_path: Path,
) -> None:
    """Such requests were taken once."""
    async with at_bench(tmp_path) as at:
        await at.put("train/a.csv", b"1,2\n")
        at.fill()
        await create(at, "old", "ml.m5.large")
        await secondary(at, "old", "Pending")
        (job,) = await at.database.read(resources.open_resources, Kind.TRAINING_JOB)
        asked = {**job.request, "ResourceConfig": {"InstanceCount": 1}}
        assert await at.database.write(resources.save_request, replace(job, request=asked))
    async with at_bench(tmp_path) as at:
        await starts(at, "old")
        await at.ask("StopTrainingJob", TrainingJobName="old")
        assert (await secondary(at, "old", "Stopped"))["TrainingJobStatus"] == "Stopped"


async def test_a_full_disk_fails_the_job_and_says_so(
    at: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controllers_room, "LEAST_DISK", 1 << 62)
    await create(at, "first", "ml.m5.large")
    job = await secondary(at, "first", "Failed")
    assert job["FailureReason"].startswith("InternalServerError: the disk of ")
    assert job["FailureReason"].endswith(
        "GB free: too little to start a job. `flowmaker gc` may free some"
    )


def test_how_long_it_may_wait() -> None:
    state = lifecycle.begin(NOW)
    assert lifecycle.seconds_left(state, 7200, NOW) is None, "it does not wait"
    waiting = lifecycle.wait(state, "waits", NOW)
    later = lifecycle.wait(waiting, "waits for more", NOW + timedelta(hours=1))
    assert later.transitions[-1].started_at == NOW, "what it waits for changed, not that it waits"
    assert lifecycle.seconds_left(later, None, NOW) is None
    assert lifecycle.seconds_left(later, 7200, NOW + timedelta(hours=1)) == 3600
    assert lifecycle.seconds_left(later, 7200, NOW + timedelta(hours=3)) == -3600


@pytest.mark.parametrize(
    ("name", "cores", "gibibytes"),
    [
        ("ml.m5.large", 2, 8),
        ("ml.m5.xlarge", 4, 16),
        ("ml.c5.18xlarge", 72, 144),
        ("ml.c4.8xlarge", 36, 60),
        ("ml.t3.medium", 2, 4),
        ("ml.p3.2xlarge", 8, 61),
        ("ml.m99.large", 2, 8),
        ("ml.m99.xlarge", 4, 16),
        ("ml.m99.12xlarge", 48, 192),
    ],
)
def test_instance_types(name: str, cores: int, gibibytes: int) -> None:
    assert size(name) == Amount(millicores=cores * 1000, memory=gibibytes * GIB)


def test_every_type_of_a_training_job_is_known() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    names = [each.removeprefix("ml.") for each in model.shape_for("TrainingInstanceType").enum]
    known = instance_types._known().keys() | instance_types._OTHERS.keys()
    assert sorted(set(names) - known) == []
