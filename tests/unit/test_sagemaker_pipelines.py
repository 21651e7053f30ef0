"""Executions of pipelines, from definitions to jobs, on real stores and played processes."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.executors.executor import ProcessSpec
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.pipeline import ExecutionState, StepStatus
from flowmaker.sagemaker.repository import resources
from tests.fakes.sagemaker import ROLE, XGBOOST, Bench, bench, opt_ml, training_request
from tests.unit.test_sagemaker_processing import output
from tests.unit.test_sagemaker_processing import request as processing_request

ENDED = {"Succeeded", "Failed", "Stopped"}
MODEL_DATA = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}


class Player:
    """What the processes of a test do when they start."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.exit_code: int | None = 0
        #: What a processing job writes as its report.
        self.report = {"metrics": {"accuracy": 0.9}}
        self.started: list[str] = []

    def __call__(self, spec: ProcessSpec) -> int | None:
        self.started.append(spec.id)
        (self.root / "jobs" / spec.id / "log").write_text("the last line\n")
        folder = opt_ml(spec) / "processing" / "o"
        if folder.exists():
            (folder / "report.json").write_text(json.dumps(self.report))
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
        await made.put("train/data.csv", b"1,2\n")
        await made.put("in/0.csv", b"1\n")
        yield made


def step(name: str, kind: str, arguments: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments, **more}


def train(name: str = "Train", **more: Any) -> dict[str, Any]:
    arguments = training_request()
    del arguments["TrainingJobName"]
    return step(name, "Training", arguments, **more)


def model(name: str = "Make", data: Any = MODEL_DATA) -> dict[str, Any]:
    container = {"Image": XGBOOST, "ModelDataUrl": data}
    return step(name, "Model", {"ExecutionRoleArn": ROLE, "PrimaryContainer": container})


def register() -> dict[str, Any]:
    group = {
        "ModelPackageGroupName": "kept",
        "InferenceSpecification": {
            "Containers": [{"Image": XGBOOST, "ModelDataUrl": MODEL_DATA}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    return step("Keep", "RegisterModel", group)


def measure() -> dict[str, Any]:
    arguments = processing_request(ProcessingOutputConfig={"Outputs": [output("o")]})
    del arguments["ProcessingJobName"]
    file = {"PropertyFileName": "Report", "OutputName": "o", "FilePath": "report.json"}
    return step("Measure", "Processing", arguments, PropertyFiles=[file])


def check(enough: float) -> dict[str, Any]:
    report = {"Get": "Steps.Measure.PropertyFiles.Report"}
    accuracy = {"Std:JsonGet": {"PropertyFile": report, "Path": "metrics.accuracy"}}
    condition = {"Type": "GreaterThan", "LeftValue": accuracy, "RightValue": enough}
    message = {"Std:Join": {"On": " ", "Values": ["only", accuracy]}}
    arguments = {
        "Conditions": [condition],
        "IfSteps": [train()],
        "ElseSteps": [step("Poor", "Fail", {"ErrorMessage": message})],
    }
    return step("Check", "Condition", arguments)


def definition(*steps: Any, **more: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": steps, **more})


def token(number: int = 0) -> str:
    return f"{number:032d}"


async def create(at: Bench, *steps: Any, **more: Any) -> str:
    answer = await at.ask(
        "CreatePipeline",
        PipelineName="Flowers",
        PipelineDefinition=definition(*steps, **more),
        RoleArn=ROLE,
        ClientRequestToken=token(),
    )
    return answer["PipelineArn"]


async def start(at: Bench, number: int = 1, **more: Any) -> str:
    answer = await at.ask(
        "StartPipelineExecution",
        PipelineName="Flowers",
        ClientRequestToken=token(number),
        **more,
    )
    return answer["PipelineExecutionArn"]


async def ended(at: Bench, arn: str) -> Any:
    return await at.until(
        lambda: at.ask("DescribePipelineExecution", PipelineExecutionArn=arn),
        lambda one: one["PipelineExecutionStatus"] in ENDED,
    )


async def steps(at: Bench, arn: str) -> dict[str, Any]:
    answer = await at.ask(
        "ListPipelineExecutionSteps", PipelineExecutionArn=arn, SortOrder="Ascending"
    )
    return {one["StepName"]: one for one in answer["PipelineExecutionSteps"]}


def statuses(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: one["StepStatus"] for name, one in found.items()}


async def running(at: Bench, arn: str, name: str) -> Any:
    found = await at.until(
        lambda: steps(at, arn), lambda now: now.get(name, {}).get("StepStatus") == "Executing"
    )
    # The end of its ARN, as the SDK takes it for its name.
    return found[name]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]


async def test_steps_run_as_jobs_one_after_the_other(at: Bench, player: Player) -> None:
    experiment = {
        "ExperimentName": {"Get": "Execution.PipelineName"},
        "TrialName": {"Get": "Execution.PipelineExecutionId"},
    }
    await create(at, train(), model(), register(), PipelineExperimentConfig=experiment)
    arn = await start(at)
    execution = await ended(at, arn)
    assert execution["PipelineExecutionStatus"] == "Succeeded", await steps(at, arn)
    number = arn.rpartition("/")[2]
    assert arn == f"{execution['PipelineArn']}/execution/{number}"
    assert execution["PipelineExperimentConfig"] == {
        "ExperimentName": "Flowers",
        "TrialName": number,
    }
    found = await steps(at, arn)
    assert statuses(found) == dict.fromkeys(("Train", "Make", "Keep"), "Succeeded")
    name = f"pipelines-{number}-train-"
    assert f"training-job/{name}" in found["Train"]["Metadata"]["TrainingJob"]["Arn"]
    assert found["Keep"]["Metadata"]["RegisterModel"]["Arn"].endswith("model-package/kept/1")
    assert len(player.started) == 1
    made = found["Make"]["Metadata"]["Model"]["Arn"]
    tags = {
        one["Key"]: one["Value"] for one in (await at.ask("ListTags", ResourceArn=made))["Tags"]
    }
    assert tags == {
        "sagemaker:pipeline-execution-arn": arn,
        "sagemaker:pipeline-step-name": "Make",
    }
    trial = await at.ask("ListTrialComponents", TrialName=number)
    assert len(trial["TrialComponentSummaries"]) == 1


async def test_a_condition_reads_a_property_file(at: Bench, player: Player) -> None:
    await create(at, measure(), check(0.5))
    arn = await start(at)
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Succeeded", await steps(at, arn)
    found = await steps(at, arn)
    assert statuses(found) == dict.fromkeys(("Measure", "Check", "Train"), "Succeeded")
    assert found["Check"]["Metadata"] == {"Condition": {"Outcome": "True"}}


async def test_a_fail_step_fails_the_execution(at: Bench, player: Player) -> None:
    player.report = {"metrics": {"accuracy": 0.25}}
    await create(at, measure(), check(0.5))
    execution = await ended(at, await start(at))
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "Step failure: One or multiple steps failed."
    poor = (await steps(at, execution["PipelineExecutionArn"]))["Poor"]
    assert poor["FailureReason"] == "only 0.25"
    assert poor["Metadata"] == {"Fail": {"ErrorMessage": "only 0.25"}}


async def test_an_execution_must_be_named(at: Bench) -> None:
    with pytest.raises(AwsError, match="PipelineExecutionArn is required") as refused:
        await at.ask("ListPipelineExecutionSteps")
    assert refused.value.code == "ValidationException"


async def test_an_outcome_can_be_told(at: Bench) -> None:
    """As on AWS: `false`, though the step's Metadata says `False`."""
    never = {"Type": "Equals", "LeftValue": 1, "RightValue": 2}
    outcome = {"Std:Join": {"On": ": ", "Values": ["it is", {"Get": "Steps.Never.Outcome"}]}}
    nothing = {"Conditions": [never], "IfSteps": [], "ElseSteps": []}
    await create(
        at, step("Never", "Condition", nothing), step("Poor", "Fail", {"ErrorMessage": outcome})
    )
    arn = await start(at)
    await ended(at, arn)
    found = await steps(at, arn)
    assert found["Never"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert found["Poor"]["FailureReason"] == "it is: false"


async def test_a_property_file_that_is_not_there_fails_the_condition(
    at: Bench, player: Player
) -> None:
    player.report = {}
    await create(at, measure(), check(0.5))
    arn = await start(at)
    await ended(at, arn)
    found = await steps(at, arn)
    assert statuses(found) == {"Measure": "Succeeded", "Check": "Failed"}
    assert "report.json has no metrics.accuracy" in found["Check"]["FailureReason"]


async def test_a_failed_job_fails_its_step_and_is_retried(at: Bench, player: Player) -> None:
    player.exit_code = 1
    await create(at, train(), model(), train("Other"))
    arn = await start(at)
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Failed"
    found = await steps(at, arn)
    assert statuses(found) == {"Train": "Failed", "Other": "Failed"}
    assert found["Train"]["FailureReason"].startswith("ClientError: AlgorithmError")
    player.exit_code = 0
    retry = {"PipelineExecutionArn": arn, "ClientRequestToken": token(5)}
    await at.ask("RetryPipelineExecution", **retry)
    await at.ask("RetryPipelineExecution", **retry)
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Succeeded"
    assert statuses(await steps(at, arn)) == dict.fromkeys(("Train", "Other", "Make"), "Succeeded")
    assert len(player.started) == 4
    with pytest.raises(AwsError, match="cannot be retried: it has the status Succeeded"):
        await at.ask("RetryPipelineExecution", **{**retry, "ClientRequestToken": token(6)})


async def test_the_role_needs_the_permissions_of_its_steps(at: Bench, player: Player) -> None:
    await create(at, train())
    at.authorizer.forbidden = {"sagemaker:CreateTrainingJob"}
    arn = await start(at)
    await ended(at, arn)
    reason = (await steps(at, arn))["Train"]["FailureReason"]
    assert reason.startswith("ClientError: Failed to invoke sagemaker:CreateTrainingJob.")
    number = arn.rpartition("/")[2]
    who = f"assumed-role/SageMaker/sagemaker-pipeline-{number}-Train is not authorized"
    assert who in reason
    assert player.started == []


async def test_to_make_a_pipeline_is_to_pass_its_role(at: Bench) -> None:
    at.authorizer.forbidden = {"iam:PassRole"}
    with pytest.raises(AwsError, match="iam:PassRole"):
        await create(at, train())


async def test_a_stopped_execution_stops_its_jobs(at: Bench, player: Player) -> None:
    player.exit_code = None
    await create(at, train(), model())
    arn = await start(at)
    job = await running(at, arn, "Train")
    with pytest.raises(AwsError, match="executions that have not ended"):
        await at.ask("DeletePipeline", PipelineName="Flowers", ClientRequestToken=token())
    stop = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
    await at.ask("StopPipelineExecution", **stop)
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Stopped"
    assert statuses(await steps(at, arn)) == {"Train": "Stopped"}
    told = await at.ask("DescribeTrainingJob", TrainingJobName=job)
    assert told["TrainingJobStatus"] == "Stopped"
    with pytest.raises(AwsError, match="cannot be stopped"):
        await at.ask("StopPipelineExecution", **stop)
    await at.ask("DeletePipeline", PipelineName="Flowers", ClientRequestToken=token())
    with pytest.raises(AwsError, match="does not exist"):
        await at.ask("DescribePipelineExecution", PipelineExecutionArn=arn)


async def test_a_step_is_not_run_again_while_its_result_is_fresh(at: Bench, player: Player) -> None:
    config = {"Enabled": True, "ExpireAfter": "PT1H"}
    await create(
        at,
        train(CacheConfig=config),
        train("Stale", CacheConfig={**config, "ExpireAfter": "PT0S"}),
        model(),
    )
    first = await start(at)
    await ended(at, first)
    assert len(player.started) == 2
    second = await start(at, 2)
    await ended(at, second)
    assert len(player.started) == 3
    before, after = await steps(at, first), await steps(at, second)
    assert after["Train"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}
    assert after["Train"]["Metadata"] == before["Train"]["Metadata"]
    assert "CacheHitResult" not in after["Stale"]
    assert after["Make"]["StepStatus"] == "Succeeded"


async def test_no_more_steps_run_at_a_time_than_are_allowed(at: Bench, player: Player) -> None:
    player.exit_code = None
    await create(at, train("A"), train("B"), train("C"))
    limit = {"MaxParallelExecutionSteps": 1}
    arn = await start(at, ParallelismConfiguration=limit)
    job = await running(at, arn, "A")
    assert set(await steps(at, arn)) == {"A"}
    wider = {"MaxParallelExecutionSteps": 2}
    changed = {"PipelineExecutionDisplayName": "wider", "ParallelismConfiguration": wider}
    await at.ask("UpdatePipelineExecution", PipelineExecutionArn=arn, **changed)
    await running(at, arn, "B")
    told = await at.ask("DescribePipelineExecution", PipelineExecutionArn=arn)
    assert told["PipelineExecutionDisplayName"] == "wider"
    assert told["ParallelismConfiguration"] == wider
    player.exit_code = 0
    await at.ask("StopTrainingJob", TrainingJobName=job)
    await running(at, arn, "B")
    found = await at.until(lambda: steps(at, arn), lambda now: "C" in now)
    assert found["A"]["FailureReason"].endswith("was stopped")
    stop = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
    await at.ask("StopPipelineExecution", **stop)
    await ended(at, arn)


async def test_the_same_request_starts_one_execution(at: Bench, player: Player) -> None:
    await create(at, model(data="s3://data/train/data.csv"))
    assert await start(at, 1) == await start(at, 1)
    other = await start(at, 2)
    assert other != await start(at, 1)
    await ended(at, other)
    again = {"PipelineName": "Flowers", "ClientRequestToken": token()}
    same = await at.ask(
        "CreatePipeline", RoleArn=ROLE, PipelineDefinition=definition(train()), **again
    )
    assert same["PipelineArn"].endswith(":pipeline/Flowers")
    with pytest.raises(AwsError, match="already exists"):
        await at.ask(
            "CreatePipeline",
            RoleArn=ROLE,
            PipelineDefinition=definition(train()),
            **{**again, "ClientRequestToken": token(9)},
        )


async def test_parameters_are_resolved_and_listed(at: Bench, player: Player) -> None:
    arguments = training_request(
        HyperParameters={
            "num_round": {"Get": "Parameters.Rounds"},
            "objective": "reg:squarederror",
        },
        ResourceConfig={
            "InstanceType": "ml.m5.large",
            "InstanceCount": {"Get": "Parameters.Instances"},
            "VolumeSizeInGB": 30,
        },
        TrainingJobName="mine",
    )
    # Each is of another type than the request has it.
    declared = [
        {"Name": "Rounds", "Type": "Integer", "DefaultValue": 3},
        {"Name": "Instances", "Type": "String", "DefaultValue": "1"},
    ]
    await create(at, step("Train", "Training", arguments), Parameters=declared)
    given = [{"Name": "Rounds", "Value": "7"}]
    arn = await start(at, PipelineParameters=given)
    await ended(at, arn)
    named = {"PipelineExecutionArn": arn}
    listed = await at.ask("ListPipelineParametersForExecution", **named)
    assert listed == {"PipelineParameters": given}
    jobs = (await at.ask("ListTrainingJobs"))["TrainingJobSummaries"]
    name = jobs[0]["TrainingJobName"]
    assert name.startswith(f"mine-{arn.rpartition('/')[2]}-")
    told = await at.ask("DescribeTrainingJob", TrainingJobName=name)
    assert told["HyperParameters"]["num_round"] == "7"
    with pytest.raises(AwsError, match="no parameters Other"):
        await start(at, 2, PipelineParameters=[{"Name": "Other", "Value": "1"}])


async def test_an_execution_keeps_the_definition_that_it_began_with(at: Bench) -> None:
    old = definition(model(data="s3://data/train/data.csv"))
    await create(at, model(data="s3://data/train/data.csv"))
    arn = await start(at)
    await at.put("definition.json", definition(train()).encode())
    place = {"Bucket": "data", "ObjectKey": "definition.json"}
    await at.ask("UpdatePipeline", PipelineName="Flowers", PipelineDefinitionS3Location=place)
    told = await at.ask("DescribePipeline", PipelineName="Flowers")
    assert told["PipelineDefinition"] == definition(train())
    assert told["RoleArn"] == ROLE
    assert "LastRunTime" in told
    kept = await at.ask("DescribePipelineDefinitionForExecution", PipelineExecutionArn=arn)
    assert kept["PipelineDefinition"] == old
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Succeeded"


async def test_pipelines_and_executions_are_listed_by_pages(at: Bench) -> None:
    await create(at, model(data="s3://data/train/data.csv"))
    arns = [await start(at, number) for number in range(1, 4)]
    named = {"PipelineName": "Flowers", "MaxResults": 2}
    first = await at.ask("ListPipelineExecutions", **named)
    second = await at.ask("ListPipelineExecutions", **named, NextToken=first["NextToken"])
    both = first["PipelineExecutionSummaries"] + second["PipelineExecutionSummaries"]
    assert [one["PipelineExecutionArn"] for one in both] == arns[::-1]
    listed = await at.ask("ListPipelines", PipelineNamePrefix="Fl")
    assert [one["PipelineName"] for one in listed["PipelineSummaries"]] == ["Flowers"]
    assert "LastExecutionTime" in listed["PipelineSummaries"][0]
    assert (await at.ask("ListPipelines", PipelineNamePrefix="X"))["PipelineSummaries"] == []
    for arn in arns:
        await ended(at, arn)


async def test_selected_steps_run_with_the_results_of_an_earlier_execution(
    at: Bench, player: Player
) -> None:
    await create(at, train(), model())
    first = await start(at)
    await ended(at, first)
    chosen = {"SourcePipelineExecutionArn": first, "SelectedSteps": [{"StepName": "Make"}]}
    second = await start(at, 2, SelectiveExecutionConfig=chosen)
    assert (await ended(at, second))["PipelineExecutionStatus"] == "Succeeded"
    found = await steps(at, second)
    assert found["Train"]["SelectiveExecutionResult"] == {"SourcePipelineExecutionArn": first}
    assert "SelectiveExecutionResult" not in found["Make"]
    assert len(player.started) == 1


async def test_a_processing_job_is_deleted_when_it_has_ended(at: Bench) -> None:
    await create(at, measure())
    arn = await start(at)
    await ended(at, arn)
    listed = await at.ask("ListProcessingJobs")
    name = listed["ProcessingJobSummaries"][0]["ProcessingJobName"]
    await at.ask("DeleteProcessingJob", ProcessingJobName=name)
    with pytest.raises(AwsError, match="not found"):
        await at.ask("DescribeProcessingJob", ProcessingJobName=name)


async def test_a_job_that_is_lost_is_made_again_by_its_retry_policy(
    at: Bench, player: Player
) -> None:
    policy = {
        "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"],
        "IntervalSeconds": 0,
        "MaxAttempts": 1,
    }
    player.exit_code = None
    await create(at, train(RetryPolicies=[policy]))
    arn = await start(at)
    await running(at, arn, "Train")
    await at.until(lambda: steps(at, arn), lambda _: bool(player.started))
    player.exit_code = 0
    at.executor.lose(player.started[0])
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Succeeded"
    assert (await steps(at, arn))["Train"]["AttemptCount"] == 2
    assert len(player.started) == 2


async def test_what_was_made_before_a_crash_is_not_made_again(at: Bench, player: Player) -> None:
    await create(at, train(), model(), register())
    arn = await start(at)
    await ended(at, arn)
    before = await steps(at, arn)
    execution = await at.database.read(resources.by_arn, arn)
    assert execution is not None
    state = decode(ExecutionState, execution.state)
    # As it was when they were about to be made.
    begun = tuple(
        replace(run, status=StepStatus.STARTING, arn="", properties={}, ended_at=None)
        for run in state.steps
    )
    state = replace(state, status="Executing", steps=begun)
    await at.parts.save(replace(execution, state=encode(state), open=True))
    at.parts.hints.hint("pipeline_execution", execution.id)
    assert (await ended(at, arn))["PipelineExecutionStatus"] == "Succeeded"
    after = await steps(at, arn)
    for name, one in before.items():
        assert after[name]["Metadata"] == one["Metadata"]
    versions = await at.ask("ListModelPackages", ModelPackageGroupName="kept")
    assert len(versions["ModelPackageSummaryList"]) == 1
    assert len(player.started) == 1


async def test_versions_are_kept_and_can_be_started(at: Bench) -> None:
    data = "s3://data/train/data.csv"
    arn = await create(at, model("One", data))
    await ended(at, await start(at))
    named = {"PipelineName": "Flowers"}
    same = await at.ask("UpdatePipeline", **named, PipelineDescription="no other definition")
    assert same == {"PipelineArn": arn, "PipelineVersionId": 1}
    text = definition(model("Two", data))
    changed = await at.ask("UpdatePipeline", **named, PipelineDefinition=text)
    assert changed["PipelineVersionId"] == 2
    renamed = {"PipelineArn": arn, "PipelineVersionId": 1, "PipelineVersionDisplayName": "first"}
    await at.ask("UpdatePipelineVersion", **renamed)
    assert (await at.ask("DescribePipeline", **named))["PipelineDefinition"] == text
    first = await at.ask("DescribePipeline", **named, PipelineVersionId=1)
    assert first["PipelineDefinition"] == definition(model("One", data))
    assert first["PipelineVersionDisplayName"] == "first"

    older, newer = await start(at, 2, PipelineVersionId=1), await start(at, 3)
    assert (await ended(at, older))["PipelineVersionId"] == 1
    assert (await ended(at, newer))["PipelineVersionId"] == 2
    assert list(await steps(at, older)) == ["One"]
    listed = (await at.ask("ListPipelineVersions", **named))["PipelineVersionSummaries"]
    assert [one["PipelineVersionId"] for one in listed] == [2, 1]
    assert [one["LastExecutionPipelineExecutionArn"] for one in listed] == [newer, older]
    with pytest.raises(AwsError, match="has no version 3"):
        await start(at, 4, PipelineVersionId=3)
