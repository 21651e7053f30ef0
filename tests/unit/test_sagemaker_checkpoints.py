"""Checkpoints, and training jobs that begin again after an instance was lost."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.executors.executor import ProcessSpec
from flowmaker.sagemaker.container.training import TrainingFolder
from flowmaker.sagemaker.controllers import processing_outputs
from flowmaker.sagemaker.controllers.checkpoints import Checkpoints
from flowmaker.sagemaker.lifecycle import training as lifecycle
from flowmaker.sagemaker.records.training import Instance, TrainingState
from tests.fakes.aws_identity import ACCOUNT
from tests.fakes.sagemaker import ROLE, Bench, bench, opt_ml, training_request

CHECKPOINTS = {"CheckpointConfig": {"S3Uri": "s3://data/kept"}}
SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
}
TWO = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}


class Player:
    """Programs that count how often they went on from a checkpoint, and run until told."""

    def __init__(self) -> None:
        self.specs: list[ProcessSpec] = []
        self.found: list[str] = []

    def __call__(self, spec: ProcessSpec) -> None:
        root = opt_ml(spec)
        kept = root / "checkpoints" / "round"
        kept.parent.mkdir(exist_ok=True)
        self.found.append(kept.read_text() if kept.exists() else "")
        kept.write_text(f"{len(self.found)}")
        (root / "model" / f"made-{len(self.found)}").write_text("model")
        self.specs.append(spec)


@pytest.fixture
def player() -> Player:
    return Player()


@pytest.fixture
async def at(tmp_path: Path, player: Player) -> AsyncIterator[Bench]:
    async with bench(tmp_path, player) as made:
        await made.put("train/a.csv", b"1,2\n")
        yield made


async def described(at: Bench) -> Any:
    return await at.ask("DescribeTrainingJob", TrainingJobName="Job-1")


async def ended(at: Bench) -> Any:
    final = {"Completed", "Failed", "Stopped"}
    return await at.until(lambda: described(at), lambda job: job["TrainingJobStatus"] in final)


async def started(at: Bench, player: Player, count: int) -> None:
    async def seen() -> int:
        return len(player.specs)

    await at.until(seen, lambda number: number == count)


async def uploaded(at: Bench, key: str, content: bytes) -> None:
    async def seen() -> bytes:
        found = await at.objects.get("data", key)
        return await at.content(key) if found else b""

    await at.until(seen, lambda found: found == content)


async def test_checkpoints_are_uploaded_while_the_job_runs_and_at_its_end(
    at: Bench, player: Player
) -> None:
    await at.ask("CreateTrainingJob", **training_request(**CHECKPOINTS))
    await started(at, player, 1)
    root = opt_ml(player.specs[0])
    configuration = json.loads((root / "input/config/checkpointconfig.json").read_text())
    assert configuration == {"LocalPath": "/opt/ml/checkpoints", "S3Uri": "s3://data/kept"}
    await uploaded(at, "kept/round", b"1")

    (root / "checkpoints" / "deep").mkdir()
    (root / "checkpoints" / "deep" / "last").write_text("2")
    at.executor.finish(player.specs[0].id)

    job = await ended(at)
    assert job["TrainingJobStatus"] == "Completed", job
    assert job["CheckpointConfig"] == CHECKPOINTS["CheckpointConfig"]
    assert await at.content("kept/deep/last") == b"2"


async def test_what_the_program_removes_is_deleted(at: Bench, player: Player) -> None:
    await at.put("kept/old", b"restored")
    await at.put("kept/older", b"restored")
    given = training_request(**CHECKPOINTS, ResourceConfig=TWO)
    await at.ask("CreateTrainingJob", **given)
    await started(at, player, 2)
    await uploaded(at, "kept/round", b"2")
    await at.put("kept/theirs", b"of somebody else, since it began")
    first, second = (opt_ml(spec) / "checkpoints" for spec in player.specs)
    for folder in (first, second):
        (folder / "old").unlink()
    (first / "older").unlink()

    async def there() -> list[str]:
        return [one.key for one in await at.objects.walk("data", "kept/")]

    await at.until(there, lambda found: "kept/old" not in found)
    (second / "round").unlink()
    (first / "round").unlink()
    for spec in player.specs:
        at.executor.finish(spec.id)
    await ended(at)
    assert await there() == ["kept/older", "kept/theirs"]


async def test_what_was_removed_while_nobody_looked_is_deleted(at: Bench, tmp_path: Path) -> None:
    folder = TrainingFolder(root=tmp_path / "ml" / "algo-1")
    (folder.root / "checkpoints").mkdir(parents=True)
    for name in ("one", "two"):
        (folder.root / "checkpoints" / name).write_text(name)
    storage = await at.parts.storages.of_role(ROLE, ACCOUNT, "eu-west-1")
    await Checkpoints(tmp_path / "staging").upload(CHECKPOINTS, [folder], storage, ended=True)
    (folder.root / "checkpoints" / "one").unlink()
    after_a_crash = Checkpoints(tmp_path / "staging")

    at.authorizer.forbidden.add("s3:DeleteObject")
    await Checkpoints(tmp_path / "staging").upload(CHECKPOINTS, [folder], storage, ended=True)
    assert await at.objects.get("data", "kept/one"), "its role may not"
    at.authorizer.forbidden.clear()
    await after_a_crash.upload(CHECKPOINTS, [folder], storage, ended=False)
    assert await at.objects.get("data", "kept/one"), "it may come again"
    await after_a_crash.upload(CHECKPOINTS, [folder], storage, ended=False)
    assert await at.objects.get("data", "kept/one") is None
    assert await at.content("kept/two") == b"two"

    (folder.root / "checkpoints" / "two").rename(tmp_path / "two")
    await after_a_crash.upload(CHECKPOINTS, [folder], storage, ended=True)
    assert await at.objects.get("data", "kept/two") is None
    (tmp_path / "two").rename(folder.root / "checkpoints" / "two")
    await after_a_crash.upload(CHECKPOINTS, [folder], storage, ended=True)
    assert await at.content("kept/two") == b"two"


async def test_a_job_finds_what_another_left(at: Bench, player: Player) -> None:
    await at.put("kept/round", b"7")
    await at.put("kept-not/other", b"x")
    given = {"CheckpointConfig": {"S3Uri": "s3://data/kept/", "LocalPath": "/opt/ml/checkpoints/"}}
    await at.ask("CreateTrainingJob", **training_request(**given, ResourceConfig=TWO))
    await started(at, player, 2)
    assert player.found == ["7", "7"]
    files = [one.name for one in (opt_ml(player.specs[0]) / "checkpoints").iterdir()]
    assert files == ["round"]
    for spec in player.specs:
        at.executor.finish(spec.id)
    assert (await ended(at))["TrainingJobStatus"] == "Completed"


@pytest.mark.parametrize(
    ("given", "line"),
    [(SPOT, "Interrupted"), ({"RetryStrategy": {"MaximumRetryAttempts": 1}}, "Restarting")],
)
async def test_a_lost_instance_begins_again_from_the_checkpoint(
    at: Bench, player: Player, given: dict[str, Any], line: str
) -> None:
    await at.ask("CreateTrainingJob", **training_request(**CHECKPOINTS, **given))
    await started(at, player, 1)
    await uploaded(at, "kept/round", b"1")
    at.executor.lose(player.specs[0].id)
    await started(at, player, 2)
    at.executor.finish(player.specs[1].id)

    job = await ended(at)

    assert job["TrainingJobStatus"] == "Completed", job
    assert player.found == ["", "1"]
    lines = [one["Status"] for one in job["SecondaryStatusTransitions"]]
    assert lines[:5] == ["Starting", "Downloading", "Training", line, "Downloading"]
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]

    async def left() -> list[Path]:
        return list((at.folder / "jobs").glob("*-ml"))

    await at.until(left, lambda folders: not folders)


async def test_a_lost_instance_takes_the_others_along(at: Bench, player: Player) -> None:
    retry = {"RetryStrategy": {"MaximumRetryAttempts": 1}}
    await at.ask("CreateTrainingJob", **training_request(**retry, ResourceConfig=TWO))
    await started(at, player, 2)
    at.executor.lose(player.specs[1].id)
    await started(at, player, 4)
    assert at.executor.stops[0][0] == player.specs[0].id
    at.executor.lose(player.specs[3].id)

    job = await ended(at)

    assert job["TrainingJobStatus"] == "Failed"
    assert "InternalServerError: the process of algo-2 was killed" in job["FailureReason"]


async def test_a_stopped_job_does_not_begin_again(at: Bench, player: Player) -> None:
    at.executor.obeys_stop = False
    await at.ask("CreateTrainingJob", **training_request(**SPOT))
    await started(at, player, 1)
    await at.ask("StopTrainingJob", TrainingJobName="Job-1")
    at.executor.lose(player.specs[0].id)
    assert (await ended(at))["TrainingJobStatus"] == "Stopped"
    assert len(player.specs) == 1


async def test_spot_capacity_is_not_waited_for_longer_than_asked(at: Bench) -> None:
    at.fill()
    condition = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    await at.ask("CreateTrainingJob", **training_request(**SPOT | {"StoppingCondition": condition}))
    job = await ended(at)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxWaitTimeExceeded"


async def test_checkpoints_that_may_not_be_written_fail_the_job(at: Bench, player: Player) -> None:
    await at.ask("CreateTrainingJob", **training_request(**CHECKPOINTS))
    await started(at, player, 1)
    at.authorizer.forbidden.add("s3:PutObject")
    job = await ended(at)
    assert job["TrainingJobStatus"] == "Failed"
    assert "Failed to upload output checkpoints" in job["FailureReason"]
    assert [one for one, _ in at.executor.stops] == [player.specs[0].id]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"CheckpointConfig": {"S3Uri": "https://x"}}, "no S3 URI"),
        (
            {"CheckpointConfig": {"S3Uri": "s3://data/c", "LocalPath": "/opt"}},
            r"LocalPath /opt is not supported by Flowmaker: .* does not hold /opt/ml",
        ),
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds"),
    ],
)
async def test_requests_that_cannot_be(at: Bench, given: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError, match=message):
        await at.ask("CreateTrainingJob", **training_request(**given))


@pytest.mark.parametrize(
    ("instances", "spot", "before", "expected"),
    [
        ([Instance.LOST], False, 0, True),
        ([Instance.FAILED, Instance.LOST], False, 1, True),
        ([Instance.LOST], False, 2, False),
        ([Instance.LOST], True, 9, True),
        ([Instance.FAILED], True, 0, False),
        ([Instance.TIMEOUT], True, 0, False),
        ([Instance.STOPPED], True, 9, True),
        ([Instance.STOPPED], False, 0, False),
        ([Instance.FAILED, Instance.STOPPED], True, 0, False),
    ],
)
def test_what_begins_again(
    instances: list[Instance], *, spot: bool, before: int, expected: bool
) -> None:
    state = TrainingState(restarts=before)
    assert lifecycle.restarts(state, instances, spot=spot, retries=2) is expected
    stopping = TrainingState(restarts=before, stop_requested=True)
    assert not lifecycle.restarts(stopping, instances, spot=spot, retries=2)


async def test_a_file_that_is_written_to_while_it_is_copied_does_not_go(
    at: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(path: Path, staged: Path) -> None:
        staged.parent.mkdir(exist_ok=True)
        staged.write_bytes(path.read_bytes())
        if path.stat().st_size < 8:
            path.write_text("half and half")

    monkeypatch.setattr(processing_outputs, "_copy", copy)
    folder = TrainingFolder(root=tmp_path / "ml" / "algo-1")
    (folder.root / "checkpoints").mkdir(parents=True)
    (folder.root / "checkpoints" / "kept").write_text("half")
    storage = await at.parts.storages.of_role(ROLE, ACCOUNT, "eu-west-1")
    known = Checkpoints(tmp_path / "staging")

    await known.upload(CHECKPOINTS, [folder], storage, ended=True)
    assert await at.objects.get("data", "kept/kept") is None
    await known.upload(CHECKPOINTS, [folder], storage, ended=True)

    assert await at.content("kept/kept") == b"half and half"


async def test_what_a_container_calls_unfinished_does_not_go(at: Bench, tmp_path: Path) -> None:
    folder = TrainingFolder(root=tmp_path / "ml" / "algo-1")
    (folder.root / "checkpoints").mkdir(parents=True)
    for name in ("round.1", "round.2.sagemaker-ignore"):
        (folder.root / "checkpoints" / name).write_text(name)
    storage = await at.parts.storages.of_role(ROLE, ACCOUNT, "eu-west-1")

    await Checkpoints(tmp_path / "staging").upload(CHECKPOINTS, [folder], storage, ended=True)

    assert [one.key for one in await at.objects.walk("data", "kept/")] == ["kept/round.1"]


@pytest.mark.parametrize("interrupted", [True, False])
async def test_the_whole_of_a_spot_job_takes_no_longer_than_it_may(
    at: Bench, player: Player, *, interrupted: bool
) -> None:
    longest = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    await at.ask("CreateTrainingJob", **training_request(**SPOT | {"StoppingCondition": longest}))
    await started(at, player, 1)

    async def seconds() -> float:
        job = await described(at)
        return (at.parts.clock.now() - job["CreationTime"]).total_seconds()

    await at.until(seconds, lambda passed: passed >= 1)
    if interrupted:
        at.executor.finish(player.specs[0].id, -15, reason="stopped")
    else:
        at.executor.finish(player.specs[0].id, -15, reason="timeout")

    job = await ended(at)

    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxWaitTimeExceeded"
    assert len(player.specs) == 1
