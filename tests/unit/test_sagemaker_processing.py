"""Processing jobs from the request to their outputs, on real stores and played processes."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.executors.executor import ProcessSpec, ProcessState
from tests.fakes.sagemaker import ROLE, Bench, bench, opt_ml

SKLEARN = "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


class Player:
    """What the processes of a test do when they start."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.exit_code: int | None = 0
        self.specs: list[ProcessSpec] = []
        self.work: Callable[[Path], None] = lambda _: None

    def __call__(self, spec: ProcessSpec) -> int | None:
        self.specs.append(spec)
        (self.root / "jobs" / spec.id / "log").write_text("begin\nthe last line\n")
        self.work(opt_ml(spec))
        return self.exit_code


@pytest.fixture
def player(tmp_path: Path) -> Player:
    return Player(tmp_path)


@pytest.fixture
async def at(tmp_path: Path, player: Player) -> AsyncIterator[Bench]:
    for name in ("lib/python3.11/site-packages", "bin"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "pyvenv.cfg").touch()
    async with bench(tmp_path, player) as made:
        for number in range(4):
            await made.put(f"in/{number}.csv", f"{number}\n".encode())
        yield made


def request(**changes: Any) -> dict[str, Any]:
    """A processing job as the SageMaker SDK asks for it."""
    return {
        "ProcessingJobName": "Job-1",
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            }
        },
        "AppSpecification": {
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/p.py"],
            "ContainerArguments": ["--x", "1"],
        },
        "RoleArn": ROLE,
        "ProcessingInputs": [given("in", "in/")],
        "ProcessingOutputConfig": {"Outputs": [output("o")]},
    } | changes


def given(name: str, prefix: str, **source: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "S3Uri": f"s3://data/{prefix}",
            "LocalPath": f"/opt/ml/processing/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        }
        | source,
    }


def output(name: str, **target: str) -> dict[str, Any]:
    return {
        "OutputName": name,
        "AppManaged": False,
        "S3Output": {
            "S3Uri": f"s3://data/out/{name}",
            "LocalPath": f"/opt/ml/processing/{name}",
            "S3UploadMode": "EndOfJob",
        }
        | target,
    }


def instances(count: int) -> dict[str, Any]:
    config = {"InstanceType": "ml.m5.large", "InstanceCount": count, "VolumeSizeInGB": 30}
    return {"ProcessingResources": {"ClusterConfig": config}}


async def ended(at: Bench, name: str = "Job-1") -> Any:
    return await at.until(
        lambda: at.ask("DescribeProcessingJob", ProcessingJobName=name),
        lambda job: job["ProcessingJobStatus"] in {"Completed", "Failed", "Stopped"},
    )


async def keys(at: Bench, prefix: str = "out/") -> list[str]:
    return [one.key for one in await at.objects.walk("data", prefix)]


async def test_inputs_are_there_and_outputs_are_uploaded(at: Bench, player: Player) -> None:
    seen: dict[str, Any] = {}

    def work(opt_ml: Path) -> None:
        seen["inputs"] = sorted(one.name for one in (opt_ml / "processing" / "in").iterdir())
        for name in ("processingjobconfig", "resourceconfig"):
            seen[name] = json.loads((opt_ml / "config" / f"{name}.json").read_text())
        place = opt_ml / "processing" / "o"
        (place / "sub").mkdir()
        (place / "sub" / "a.txt").write_text("made")
        (place / "link").symlink_to("sub/a.txt")
        (opt_ml / "output" / "message").write_text("two rows were dropped")

    player.work = work
    made = await at.ask("CreateProcessingJob", **request(Environment={"MINE": "1"}))
    assert made["ProcessingJobArn"].endswith(":processing-job/job-1")
    job = await ended(at)
    assert job["ProcessingJobStatus"] == "Completed", job
    assert job["ExitMessage"] == "two rows were dropped"
    assert job["ProcessingInputs"] == request()["ProcessingInputs"]
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    assert "FailureReason" not in job
    assert seen["inputs"] == ["0.csv", "1.csv", "2.csv", "3.csv"]
    assert seen["resourceconfig"] == {"current_host": "algo-1", "hosts": ["algo-1"]}
    assert seen["processingjobconfig"]["ProcessingJobArn"] == made["ProcessingJobArn"]
    assert seen["processingjobconfig"]["Environment"] == {"MINE": "1"}
    assert await keys(at) == ["out/o/sub/a.txt"]
    assert await at.content("out/o/sub/a.txt") == b"made"
    (spec,) = player.specs
    assert spec.argv == ("python3", "/opt/ml/processing/input/code/p.py", "--x", "1")
    assert spec.env["MINE"] == "1"
    assert spec.timeout == 86400
    jobs = at.folder / "jobs"
    await at.until(lambda: _async(list(jobs.glob("*-ml"))), lambda left: not left)


async def test_the_log_is_a_stream_of_its_own_group(at: Bench) -> None:
    await at.ask("CreateProcessingJob", **request())
    await ended(at)
    streams = await at.ask(
        "DescribeLogStreams", service=at.logs, logGroupName="/aws/sagemaker/ProcessingJobs"
    )
    (stream,) = streams["logStreams"]
    assert stream["logStreamName"].startswith("Job-1/algo-1-")


async def test_inputs_are_sharded(at: Bench, player: Player) -> None:
    parts: list[list[str]] = []

    def work(opt_ml: Path) -> None:
        parts.append(sorted(one.name for one in (opt_ml / "processing" / "in").iterdir()))
        (opt_ml / "processing" / "o" / f"of-{len(parts)}").touch()

    player.work = work
    sharded = given("in", "in/", S3DataDistributionType="ShardedByS3Key")
    await at.ask("CreateProcessingJob", **request(ProcessingInputs=[sharded], **instances(2)))
    assert (await ended(at))["ProcessingJobStatus"] == "Completed"
    assert parts == [["0.csv", "2.csv"], ["1.csv", "3.csv"]]
    assert await keys(at) == ["out/o/of-1", "out/o/of-2"]
    assert player.specs[0].hosts == player.specs[1].hosts
    assert list(player.specs[0].hosts) == ["algo-1", "algo-2"]


async def test_an_isolated_job_has_a_network_of_its_own(at: Bench, player: Player) -> None:
    isolated = {"NetworkConfig": {"EnableNetworkIsolation": True}}
    await at.ask("CreateProcessingJob", **request(**isolated, **instances(2)))
    await ended(at)
    first, second = player.specs
    assert (first.network, first.network_of) == (False, "")
    assert (second.network, second.network_of) == (False, first.id)


async def test_who_may_not_pass_the_role_is_refused(at: Bench) -> None:
    at.authorizer.forbidden.add("iam:PassRole")
    with pytest.raises(AwsError, match="iam:PassRole"):
        await at.ask("CreateProcessingJob", **request())


async def test_jobs_do_not_share_addresses(at: Bench, player: Player) -> None:
    for name in ("one", "two"):
        await at.ask("CreateProcessingJob", **request(ProcessingJobName=name))
        await ended(at, name)
    first, second = (spec.hosts["algo-1"] for spec in player.specs)
    assert first != second


async def test_a_manifest_names_the_inputs(at: Bench, player: Player) -> None:
    found: list[str] = []
    player.work = lambda opt_ml: found.extend(
        one.name for one in (opt_ml / "processing" / "in").iterdir()
    )
    await at.put("manifest", json.dumps([{"prefix": "s3://data/in/"}, "2.csv"]).encode())
    by_manifest = given("in", "manifest", S3DataType="ManifestFile")
    await at.ask("CreateProcessingJob", **request(ProcessingInputs=[by_manifest]))
    await ended(at)
    assert found == ["2.csv"]


async def test_continuous_outputs_come_while_it_runs(at: Bench, player: Player) -> None:
    player.exit_code = None
    player.work = lambda opt_ml: _write(opt_ml / "processing" / "o" / "a", "first")
    outputs = {"Outputs": [output("o", S3UploadMode="Continuous"), output("end")]}
    await at.ask("CreateProcessingJob", **request(ProcessingOutputConfig=outputs))
    await at.until(lambda: keys(at), lambda found: found == ["out/o/a"])
    job = await at.ask("DescribeProcessingJob", ProcessingJobName="Job-1")
    assert job["ProcessingJobStatus"] == "InProgress"
    (spec,) = player.specs
    _write(opt_ml(spec) / "processing" / "o" / "a", "second")
    _write(opt_ml(spec) / "processing" / "end" / "b", "never")
    at.executor.finish(spec.id, 3)
    job = await ended(at)
    assert job["FailureReason"] == "AlgorithmError: begin the last line, exit code: 3"
    # What fails leaves what was Continuous, and nothing else.
    assert await keys(at) == ["out/o/a"]
    assert await at.content("out/o/a") == b"second"


def _write(path: Path, text: str) -> None:
    path.write_text(text)


async def test_a_stopped_job_uploads_what_it_has(at: Bench, player: Player) -> None:
    player.exit_code = None
    player.work = lambda opt_ml: _write(opt_ml / "processing" / "o" / "part", "half")
    await at.ask("CreateProcessingJob", **request(**instances(2)))
    await at.until(lambda: _async(player.specs), lambda specs: len(specs) == 2)
    await at.ask("StopProcessingJob", ProcessingJobName="Job-1")
    job = await ended(at)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert await keys(at) == ["out/o/part"]
    assert {grace for _, grace in at.executor.stops} == {120.0}
    with pytest.raises(AwsError, match="is in status Stopped"):
        await at.ask("StopProcessingJob", ProcessingJobName="Job-1")


async def _async(value: Any) -> Any:
    return value


async def test_one_instance_that_fails_stops_the_others(at: Bench, player: Player) -> None:
    player.exit_code = None
    await at.ask("CreateProcessingJob", **request(**instances(2)))
    await at.until(lambda: _async(player.specs), lambda specs: len(specs) == 2)
    at.executor.finish(player.specs[1].id, 1)
    job = await ended(at)
    assert job["ProcessingJobStatus"] == "Failed"
    assert "exit code: 1" in job["FailureReason"]
    assert player.specs[0].id in {stopped for stopped, _ in at.executor.stops}


async def test_a_lost_instance_fails_the_job(at: Bench, player: Player) -> None:
    player.exit_code = None
    await at.ask("CreateProcessingJob", **request())
    await at.until(lambda: _async(player.specs), lambda specs: len(specs) == 1)
    at.executor.lose(player.specs[0].id)
    assert "algo-1 was killed together with its supervisor" in (await ended(at))["FailureReason"]


async def test_what_takes_too_long_is_stopped(at: Bench, player: Player) -> None:
    player.exit_code = None
    await at.ask("CreateProcessingJob", **request(StoppingCondition={"MaxRuntimeInSeconds": 5}))
    await at.until(lambda: _async(player.specs), lambda specs: len(specs) == 1)
    assert player.specs[0].timeout == 5
    at.executor.finish(player.specs[0].id, -15, reason="timeout")
    job = await ended(at)
    assert job["ProcessingJobStatus"] == "Stopped"
    assert "MaxRuntimeInSeconds" in job["FailureReason"]


async def test_outputs_that_the_role_may_not_write_fail_the_job(at: Bench, player: Player) -> None:
    player.exit_code = None
    player.work = lambda opt_ml: _write(opt_ml / "processing" / "o" / "a", "first")
    at.authorizer.forbidden.add("s3:PutObject")
    outputs = {"Outputs": [output("o", S3UploadMode="Continuous")]}
    await at.ask("CreateProcessingJob", **request(ProcessingOutputConfig=outputs))
    job = await ended(at)
    assert job["ProcessingJobStatus"] == "Failed"
    assert "Failed to upload output o: Unable to upload object" in job["FailureReason"]
    seen = await at.executor.observe(player.specs[0].id)
    assert seen.state is ProcessState.EXITED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"AppSpecification": {"ImageUri": "me/own:1"}}, "does not know the image me/own:1"),
        ({"AppSpecification": {"ImageUri": "python:2.7"}}, "Python 2 is not run here"),
        ({"AppSpecification": {"ImageUri": SKLEARN}}, "ContainerEntrypoint is required"),
        ({"ProcessingInputs": [given("in", "nothing/")]}, "No S3 objects found under S3 URL"),
        (
            {"ProcessingInputs": [given("in", "in/", LocalPath="/opt/ml/input")]},
            "LocalPath must be a folder below /opt/ml/processing; it is /opt/ml/input",
        ),
        (
            {"ProcessingInputs": [given("in", "in/", LocalPath="/opt/ml/processing/../x")]},
            "LocalPath must be a folder below",
        ),
        ({"ProcessingInputs": [given("in", "in/", S3InputMode="Pipe")]}, "S3InputMode Pipe is not"),
        (
            {"ProcessingInputs": [given("in", "in/", S3CompressionType="Gzip")]},
            "S3CompressionType Gzip is not",
        ),
        (
            {"ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1}}},
            r"ClusterConfig\.InstanceType is required",
        ),
        (
            {"ProcessingInputs": [given("in", "in/")] * 2},
            "Names in ProcessingInputs must be unique",
        ),
        (
            {"ProcessingInputs": [given("in", "in/") | {"AppManaged": True}]},
            "ProcessingInputs.AppManaged is not supported",
        ),
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [
                        {"OutputName": "f", "FeatureStoreOutput": {"FeatureGroupName": "g"}}
                    ]
                }
            },
            "FeatureStoreOutput.FeatureGroupName is not supported",
        ),
        (
            {
                "ProcessingInputs": [
                    {
                        "InputName": "a",
                        "DatasetDefinition": {"AthenaDatasetDefinition": {"Catalog": "c"}},
                    }
                ]
            },
            "DatasetDefinition.AthenaDatasetDefinition.Catalog is not supported",
        ),
        ({"ProcessingOutputConfig": {"Outputs": [output("o", S3Uri="/x")]}}, "no S3 URI"),
        (instances(21), "1 to 20 instances work"),
    ],
)
async def test_a_wrong_request_creates_nothing(
    at: Bench, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(AwsError, match=message):
        await at.ask("CreateProcessingJob", **request(**changes))
    listed = await at.ask("ListProcessingJobs")
    assert listed["ProcessingJobSummaries"] == []


async def test_jobs_are_listed_and_have_one_name_each(at: Bench) -> None:
    for name in ("one", "two"):
        await at.ask("CreateProcessingJob", **request(ProcessingJobName=name))
        await ended(at, name)
    with pytest.raises(AwsError, match="already exists") as refused:
        await at.ask("CreateProcessingJob", **request(ProcessingJobName="one"))
    assert refused.value.code == "ResourceInUse"
    listed = await at.ask("ListProcessingJobs", StatusEquals="Completed")
    names = [one["ProcessingJobName"] for one in listed["ProcessingJobSummaries"]]
    assert names == ["one", "two"]
    with pytest.raises(AwsError, match="Requested resource not found"):
        await at.ask("DescribeProcessingJob", ProcessingJobName="three")


async def test_a_job_waits_for_room_for_all_its_instances(at: Bench, player: Player) -> None:
    leave = at.fill()
    await at.ask("CreateProcessingJob", **request(**instances(2)))
    await at.waiting("processing job Job-1")
    described = await at.ask("DescribeProcessingJob", ProcessingJobName="Job-1")
    assert described["ProcessingJobStatus"] == "InProgress"
    assert "ProcessingStartTime" not in described
    assert not player.specs
    leave()
    assert (await ended(at))["ProcessingJobStatus"] == "Completed"
    assert len(player.specs) == 2
    assert not at.parts.room.room.held()


async def test_a_job_that_waits_for_room_is_stopped_at_once(at: Bench, player: Player) -> None:
    at.fill()
    await at.ask("CreateProcessingJob", **request())
    await at.waiting("processing job Job-1")
    await at.ask("StopProcessingJob", ProcessingJobName="Job-1")
    assert (await ended(at))["ProcessingJobStatus"] == "Stopped"
    await at.waiting()
    assert not player.specs


async def test_a_job_is_a_component_of_its_trial(at: Bench) -> None:
    await at.ask("CreateExperiment", ExperimentName="e")
    await at.ask("CreateTrial", TrialName="t", ExperimentName="e")
    await at.ask("CreateProcessingJob", **request(ExperimentConfig={"TrialName": "t"}))
    await ended(at)
    (one,) = (await at.ask("ListTrialComponents", TrialName="t"))["TrialComponentSummaries"]
    name = one["TrialComponentName"]
    told = await at.ask("DescribeTrialComponent", TrialComponentName=name)
    assert told["Source"]["SourceType"] == "SageMakerProcessingJob"
    assert told["InputArtifacts"] == {"in": {"Value": "s3://data/in/"}}
    assert told["Parameters"]["SageMaker.InstanceCount"] == {"NumberValue": 1.0}
