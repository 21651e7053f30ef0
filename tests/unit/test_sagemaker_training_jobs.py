"""Training jobs from the request to model.tar.gz, on real stores and played processes."""

import io
import json
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.executors.executor import ProcessSpec
from tests.fakes.sagemaker import ROLE, Bench, bench, channel, opt_ml, training_request

LINES = "[0]\ttrain-rmse:1.5\nhello\n[1]\ttrain-rmse:0.5\n"


class Player:
    """What the processes of a test do when they start."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.exit_code: int | None = 0
        self.failure = ""
        self.specs: list[ProcessSpec] = []

    def __call__(self, spec: ProcessSpec) -> int | None:
        self.specs.append(spec)
        folder = opt_ml(spec)
        (folder / "model" / "xgboost-model").write_text(spec.env["TRAINING_JOB_NAME"])
        (self.root / "jobs" / spec.id / "log").write_text(LINES)
        if self.failure:
            (folder / "output" / "failure").write_text(self.failure)
        return self.exit_code


@pytest.fixture
def player(tmp_path: Path) -> Player:
    return Player(tmp_path)


@pytest.fixture
async def at(tmp_path: Path, player: Player) -> AsyncIterator[Bench]:
    async with bench(tmp_path, player) as made:
        await made.put("train/a.csv", b"1,2\n")
        await made.put("train/sub/b.csv", b"3,4\n")
        yield made


async def ended(at: Bench, name: str = "Job-1") -> Any:
    return await at.until(
        lambda: at.ask("DescribeTrainingJob", TrainingJobName=name),
        lambda job: job["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"},
    )


async def test_a_job_is_trained_and_its_model_uploaded(at: Bench, player: Player) -> None:
    made = await at.ask("CreateTrainingJob", **training_request())
    assert made["TrainingJobArn"].endswith(":training-job/job-1")

    job = await ended(at)

    assert job["TrainingJobStatus"] == "Completed", job
    assert [one["Status"] for one in job["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert all("EndTime" in one for one in job["SecondaryStatusTransitions"])
    assert job["OutputDataConfig"]["KmsKeyId"] == ""
    assert job["BillableTimeInSeconds"] >= 1
    metrics = {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    assert metrics["train:rmse"] == 0.5
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == "s3://data/out/Job-1/output/model.tar.gz"
    archive = await at.content("out/Job-1/output/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        model = tar.extractfile("xgboost-model")
        assert model is not None
        assert model.read() == b"Job-1"


async def test_the_container_contract(tmp_path: Path) -> None:  # noqa: PLR0915 - one contract
    seen: dict[str, Any] = {}

    def play(spec: ProcessSpec) -> int:
        root = opt_ml(spec)
        config = root / "input" / "config"
        seen["hyperparameters"] = json.loads((config / "hyperparameters.json").read_text())
        seen["channels"] = json.loads((config / "inputdataconfig.json").read_text())
        seen[spec.id[-6:]] = json.loads((config / "resourceconfig.json").read_text())
        data = root / "input" / "data"
        files = sorted(str(one.relative_to(data)) for one in data.rglob("*") if one.is_file())
        seen[f"files-{spec.id[-6:]}"] = files
        seen["spec"] = spec
        (root / "model" / spec.id[-6:]).write_text("x")
        return 0

    async with bench(tmp_path, play) as at:
        for name in ("a", "b", "c"):
            await at.put(f"train/{name}.csv", b"1\n")
        request = training_request(
            InputDataConfig=[
                channel("train", "train", S3DataDistributionType="ShardedByS3Key"),
                channel("validation", "train/a.csv"),
            ],
            ResourceConfig={
                "InstanceCount": 2,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            },
            Environment={"MINE": "1"},
        )
        await at.ask("CreateTrainingJob", **request)
        assert (await ended(at))["TrainingJobStatus"] == "Completed"
        archive = await at.content("out/Job-1/output/model.tar.gz")

    assert seen["hyperparameters"] == request["HyperParameters"]
    assert seen["channels"]["train"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "ShardedByS3Key",
        "RecordWrapperType": "None",
    }
    assert seen["algo-2"]["current_host"] == "algo-2"
    assert seen["algo-2"]["hosts"] == ["algo-1", "algo-2"]
    assert seen["files-algo-1"] == ["train/a.csv", "train/c.csv", "validation/a.csv"]
    assert seen["files-algo-2"] == ["train/b.csv", "validation/a.csv"]
    spec: ProcessSpec = seen["spec"]
    assert spec.argv[:2] == ("python", "-m")
    assert spec.argv[-1] == "train"
    assert list(spec.hosts) == ["algo-1", "algo-2"]
    assert [one.rpartition(".")[2] for one in spec.hosts.values()] == ["1", "2"]
    assert spec.env["AWS_ACCESS_KEY_ID"] == "ASIA"
    assert spec.env["MINE"] == "1"
    assert spec.env["OMP_WAIT_POLICY"] == "PASSIVE", "the machine is shared with others"
    assert spec.timeout == 86400
    assert spec.grace == 120
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert sorted(tar.getnames()) == ["algo-1", "algo-2"]


async def test_the_failure_file_is_the_reason(at: Bench, player: Player) -> None:
    player.exit_code, player.failure = 1, "the label is missing"
    await at.ask("CreateTrainingJob", **training_request())
    job = await ended(at)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the label is missing, exit code: 1"
    assert await at.objects.get("data", "out/Job-1/output/model.tar.gz") is None


async def test_without_a_failure_file_the_log_says_why(at: Bench, player: Player) -> None:
    player.exit_code = 3
    await at.ask("CreateTrainingJob", **training_request())
    reason = (await ended(at))["FailureReason"]
    assert reason.startswith("AlgorithmError: ")
    assert "[1]#011train-rmse:0.5" in reason
    assert reason.endswith(", exit code: 3")


async def test_the_instance_that_failed_first_is_the_reason(at: Bench, player: Player) -> None:
    player.exit_code = None
    two = training_request()["ResourceConfig"] | {"InstanceCount": 2}
    await at.ask("CreateTrainingJob", **training_request(ResourceConfig=two))
    await at.until(lambda: _specs(player), lambda specs: len(specs) == 2)
    # The other one fails for want of it.
    at.executor.finish(player.specs[1].id, 3)
    at.executor.finish(player.specs[0].id, 1)
    assert (await ended(at))["FailureReason"].endswith(", exit code: 3")


async def test_a_stopped_job_keeps_its_model(at: Bench, player: Player) -> None:
    player.exit_code = None
    await at.ask("CreateTrainingJob", **training_request())
    await at.until(
        lambda: at.ask("DescribeTrainingJob", TrainingJobName="Job-1"),
        lambda job: job["SecondaryStatus"] == "Training" and player.specs,
    )
    await at.ask("StopTrainingJob", TrainingJobName="Job-1")
    job = await ended(at)
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert "Stopping" in [one["Status"] for one in job["SecondaryStatusTransitions"]]
    assert at.executor.stops[0][1] == 120
    assert await at.objects.get("data", "out/Job-1/output/model.tar.gz")
    with pytest.raises(AwsError, match="training job is in status Stopped"):
        await at.ask("StopTrainingJob", TrainingJobName="Job-1")


async def test_a_job_that_takes_too_long_is_stopped(at: Bench, player: Player) -> None:
    player.exit_code = None
    await at.ask("CreateTrainingJob", **training_request())
    await at.until(lambda: _specs(player), bool)
    at.executor.finish(player.specs[0].id, -15, reason="timeout")
    job = await ended(at)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxRuntimeExceeded"


async def test_a_lost_process_fails_the_job(at: Bench, player: Player) -> None:
    player.exit_code = None
    await at.ask("CreateTrainingJob", **training_request())
    await at.until(lambda: _specs(player), bool)
    at.executor.lose(player.specs[0].id)
    job = await ended(at)
    assert job["TrainingJobStatus"] == "Failed"
    assert "algo-1 was killed" in job["FailureReason"]


async def test_data_that_the_role_may_not_read_fails_the_job(at: Bench) -> None:
    at.authorizer.forbidden.add("s3:GetObject")
    await at.ask("CreateTrainingJob", **training_request())
    job = await ended(at)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        "ClientError: Data download failed:Unable to download object s3://data/train/a.csv "
        "(AccessDenied: Access Denied)"
    )


async def test_output_that_the_role_may_not_write_fails_the_job(at: Bench) -> None:
    at.authorizer.forbidden.add("s3:PutObject")
    await at.ask("CreateTrainingJob", **training_request())
    job = await ended(at)
    assert job["TrainingJobStatus"] == "Failed"
    assert "model.tar.gz (AccessDenied" in job["FailureReason"]


async def test_the_log_is_there_during_and_after(at: Bench, player: Player) -> None:
    await at.ask("CreateTrainingJob", **training_request())
    await ended(at)
    group = "/aws/sagemaker/TrainingJobs"
    streams = await at.ask(
        "DescribeLogStreams",
        service=at.logs,
        logGroupName=group,
        logStreamNamePrefix="Job-1/",
        orderBy="LogStreamName",
        limit=1,
    )
    (stream,) = streams["logStreams"]
    assert stream["logStreamName"].startswith("Job-1/algo-1-")
    read = {"logGroupName": group, "logStreamName": stream["logStreamName"]}
    first = await at.ask("GetLogEvents", service=at.logs, startFromHead=True, **read)
    assert [one["message"] for one in first["events"]] == [
        "[0]#011train-rmse:1.5",
        "hello",
        "[1]#011train-rmse:0.5",
    ]
    token = first["nextForwardToken"]
    last = await at.ask("GetLogEvents", service=at.logs, nextToken=token, **read)
    assert last["events"] == []
    assert last["nextForwardToken"] == token


async def test_a_job_is_updated_until_it_has_ended(tmp_path: Path) -> None:
    async with bench(tmp_path, lambda _: None) as at:
        await at.put("train/a.csv", b"1,2\n")
        pool = training_request()["ResourceConfig"] | {"KeepAlivePeriodInSeconds": 60}
        given = {"S3OutputPath": "s3://data/profile", "ProfilingIntervalInMilliseconds": 500}
        await at.ask(
            "CreateTrainingJob",
            **training_request(ResourceConfig=pool, ProfilerConfig={**given}),
        )
        job = {"TrainingJobName": "Job-1"}
        off, longer = {"DisableProfiler": True}, {"KeepAlivePeriodInSeconds": 600}

        made = await at.ask("UpdateTrainingJob", **job, ProfilerConfig=off, ResourceConfig=longer)

        seen = await at.ask("DescribeTrainingJob", **job)
        assert made == {"TrainingJobArn": seen["TrainingJobArn"]}
        assert seen["ProfilerConfig"] == given | off
        assert seen["ResourceConfig"] == pool | longer
        with pytest.raises(
            AwsError, match=r"RemoteDebugConfig\.EnableRemoteDebug is not supported"
        ):
            await at.ask("UpdateTrainingJob", **job, RemoteDebugConfig={"EnableRemoteDebug": True})

        await at.ask("StopTrainingJob", **job)
        await at.until(
            lambda: at.ask("DescribeTrainingJob", **job),
            lambda one: one["TrainingJobStatus"] == "Stopped",
        )
        for member, value in (("ProfilerConfig", off), ("ResourceConfig", longer)):
            with pytest.raises(AwsError, match="cannot be updated") as refused:
                await at.ask("UpdateTrainingJob", **job, **{member: value})
            assert refused.value.code == "ValidationException"
        with pytest.raises(AwsError, match="not found"):
            await at.ask("UpdateTrainingJob", TrainingJobName="another", ProfilerConfig=off)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"HyperParameters": {"num_round": "3", "max_depth": "deep"}}, "max_depth"),
        ({"HyperParameters": {}}, "num_round"),
        (
            {
                "AlgorithmSpecification": {
                    "TrainingInputMode": "File",
                    "TrainingImage": "me/own:1",
                }
            },
            r"does not know the image me/own:1.*flowmaker image add me/own:1",
        ),
        (
            {"TensorBoardOutputConfig": {"S3OutputPath": "s3://data/t"}},
            r"TensorBoardOutputConfig\.S3OutputPath is not supported",
        ),
        ({"InputDataConfig": [channel("train", "nothing/")]}, "No S3 objects found under S3 URL"),
        (
            {"InputDataConfig": [channel("train", "train/"), channel("train", "train/")]},
            "Channel names in InputDataConfig must be unique",
        ),
        ({"OutputDataConfig": {"S3OutputPath": "https://x/y"}}, "no S3 URI"),
        (
            {"ResourceConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1}},
            r"ResourceConfig\.InstanceType is required",
        ),
        (
            {
                "AlgorithmSpecification": training_request()["AlgorithmSpecification"]
                | {"MetricDefinitions": [{"Name": "m", "Regex": "("}]}
            },
            "regex of the metric m",
        ),
    ],
)
async def test_a_wrong_request_creates_nothing(
    at: Bench, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(AwsError, match=message) as refused:
        await at.ask("CreateTrainingJob", **training_request(**changes))
    assert refused.value.code == "ValidationException"
    assert (await at.ask("ListTrainingJobs"))["TrainingJobSummaries"] == []


async def test_a_role_that_cannot_be_assumed(at: Bench) -> None:
    at.sessions.forbidden.add(ROLE)
    with pytest.raises(AwsError, match=f"Could not assume role {ROLE}"):
        await at.ask("CreateTrainingJob", **training_request())


async def test_passing_the_role_is_a_permission(at: Bench) -> None:
    at.authorizer.forbidden.add("iam:PassRole")
    with pytest.raises(AwsError, match="iam:PassRole") as refused:
        await at.ask("CreateTrainingJob", **training_request())
    assert refused.value.code == "AccessDeniedException"
    (need,) = [one for one in at.authorizer.asked if one.action == "iam:PassRole"]
    assert need.context == {"iam:PassedToService": "sagemaker.amazonaws.com"}


@pytest.mark.parametrize("name", ["Job-1", "JOB-1"])
async def test_names_are_unique(at: Bench, name: str) -> None:
    """The ARN has a name in lower case: it is of one job."""
    await at.ask("CreateTrainingJob", **training_request())
    with pytest.raises(AwsError, match="Training job names must be unique") as refused:
        await at.ask("CreateTrainingJob", **training_request(TrainingJobName=name))
    assert refused.value.code == "ResourceInUse"


async def test_jobs_are_listed_by_pages(at: Bench) -> None:
    for number in range(5):
        await at.ask("CreateTrainingJob", **training_request(TrainingJobName=f"job-{number}"))
    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        page = await at.ask("ListTrainingJobs", MaxResults=2, NameContains="job", **token)
        names += [one["TrainingJobName"] for one in page["TrainingJobSummaries"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == [f"job-{number}" for number in range(5)]
    back = await at.ask("ListTrainingJobs", SortBy="Name", SortOrder="Descending")
    assert back["TrainingJobSummaries"][0]["TrainingJobName"] == "job-4"


async def test_tags(at: Bench) -> None:
    made = await at.ask(
        "CreateTrainingJob", **training_request(Tags=[{"Key": "team", "Value": "a"}])
    )
    arn = made["TrainingJobArn"]
    await at.ask("AddTags", ResourceArn=arn, Tags=[{"Key": "x", "Value": "y"}])
    await at.ask("DeleteTags", ResourceArn=arn, TagKeys=["team"])
    assert await at.ask("ListTags", ResourceArn=arn) == {"Tags": [{"Key": "x", "Value": "y"}]}


@pytest.mark.parametrize(
    ("keys", "words"),
    [(("x", "x"), "keys must be unique"), (("aws:x",), "aws:x begins with aws:")],
)
async def test_tags_that_cannot_be(at: Bench, keys: tuple[str, ...], words: str) -> None:
    tags = [{"Key": key, "Value": str(number)} for number, key in enumerate(keys)]
    with pytest.raises(AwsError, match=words):
        await at.ask("CreateTrainingJob", **training_request(Tags=tags))
    made = await at.ask("CreateTrainingJob", **training_request())
    with pytest.raises(AwsError, match=words):
        await at.ask("AddTags", ResourceArn=made["TrainingJobArn"], Tags=tags)


async def _specs(player: Player) -> list[ProcessSpec]:
    return player.specs
