"""CreateTrainingJob, DescribeTrainingJob, StopTrainingJob."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.api import members
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, in_use, need
from flowmaker.sagemaker.api.images import trained_by
from flowmaker.sagemaker.api.trial_components import check_experiment, of_job
from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.images import JobImages
from flowmaker.sagemaker.lifecycle import training as lifecycle
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.records.training import Ending, TrainingState
from flowmaker.sagemaker.repository import resources

#: Instances are processes of one machine.
MOST_INSTANCES = 20
#: Members of the request that DescribeTrainingJob gives back as they came.
ECHOED = (
    "HyperParameters",
    "RoleArn",
    "InputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "DebugHookConfig",
    "ProfilerConfig",
    "ExperimentConfig",
    "Environment",
    "RetryStrategy",
    "TuningJobArn",
)


class TrainingJobs:
    """The operations on training jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateTrainingJob": Operation(handler=self.create, needs=_create_needs),
            "DescribeTrainingJob": Operation(handler=self.describe, needs=_needs),
            "StopTrainingJob": Operation(handler=self.stop, needs=_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        check_request(self._desk, call)
        name = call.parameters["TrainingJobName"]
        resource_arn = arn(call, Kind.TRAINING_JOB, name)
        duplicate = in_use(Kind.TRAINING_JOB, resource_arn)
        if await self._desk.find(call, Kind.TRAINING_JOB, name):
            raise duplicate
        await check_experiment(self._desk, call)
        await check_role(self._desk, call)
        state = lifecycle.begin(self._desk.clock.now())
        job = self._desk.draft(
            call,
            Kind.TRAINING_JOB,
            name,
            status=lifecycle.status(state),
            state=encode(state),
            open=True,
        )
        await self._desk.create(call, job, duplicate, also=of_job(self._desk, call, job))
        self._desk.hints.hint("training_job", job.id)
        return {"TrainingJobArn": job.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        name = call.parameters["TrainingJobName"]
        return described(await self._desk.existing(call, Kind.TRAINING_JOB, name))

    async def stop(self, call: Call) -> None:
        name = call.parameters["TrainingJobName"]
        saved = False
        while not saved:
            job = await self._desk.existing(call, Kind.TRAINING_JOB, name)
            state = decode(TrainingState, job.state)
            if lifecycle.is_final(state):
                raise validation(
                    "The request was rejected because the training job is in status "
                    f"{lifecycle.status(state)}."
                )
            now = self._desk.clock.now()
            stopping = lifecycle.request_stop(state, now)
            changed = replace(
                job,
                status=lifecycle.status(stopping),
                state=encode(stopping),
                modified_at=now,
            )
            saved = await self._desk.database.write(resources.save, changed)
            self._desk.hints.hint("training_job", job.id)


def check_request(desk: Desk, call: Call) -> None:
    """What a request of a training job must be like.

    Raises:
        AwsError: it is not.
    """
    members.check(call)
    _check_values(call, desk.images)


async def check_role(desk: Desk, call: Call) -> None:
    """The job's role can be assumed, and its data is there.

    Raises:
        AwsError: it cannot, or it is not.
    """
    given = call.parameters
    await desk.assume(given["RoleArn"])
    for channel in given.get("InputDataConfig", ()):
        source = channel["DataSource"]["S3DataSource"]
        await desk.check_input(call, given["RoleArn"], source)


def described(job: Resource) -> dict[str, Any]:
    """The answer of DescribeTrainingJob."""
    state = decode(TrainingState, job.state)
    request = job.request
    output = dict(request["OutputDataConfig"])
    answer: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "ModelArtifacts": {"S3ModelArtifacts": _artifacts(job)},
        "TrainingJobStatus": job.status,
        "SecondaryStatus": lifecycle.secondary_status(state),
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        "SecondaryStatusTransitions": [
            {
                "Status": one.status,
                "StartTime": one.started_at,
                **({"EndTime": one.ended_at} if one.ended_at else {}),
                "StatusMessage": one.message,
            }
            for one in state.transitions
        ],
        # The SDK's attach() reads it from every job.
        "OutputDataConfig": {"KmsKeyId": ""} | output,
        "AlgorithmSpecification": _algorithm(request["AlgorithmSpecification"]),
        **{name: request[name] for name in ECHOED if name in request},
        **{
            name: request.get(name, False)
            for name in (
                "EnableNetworkIsolation",
                "EnableInterContainerTrafficEncryption",
                "EnableManagedSpotTraining",
            )
        },
    }
    return answer | _times(state) | _results(state)


def _algorithm(given: Mapping[str, Any]) -> dict[str, Any]:
    """As it came, with the metrics of a built-in algorithm: the SDK's analytics ask for them."""
    definitions = registry.metric_definitions(given)
    if not definitions:
        return dict(given)
    listed = [{"Name": name, "Regex": regex} for name, regex in definitions.items()]
    return {**given, "MetricDefinitions": listed}


def _times(state: TrainingState) -> dict[str, Any]:
    if state.training_started_at is None:
        return {}
    times: dict[str, Any] = {"TrainingStartTime": state.training_started_at}
    if state.training_ended_at:
        seconds = max(
            1, round((state.training_ended_at - state.training_started_at).total_seconds())
        )
        times |= {
            "TrainingEndTime": state.training_ended_at,
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": seconds,
        }
    return times


def _results(state: TrainingState) -> dict[str, Any]:
    results: dict[str, Any] = {}
    if state.failure_reason and state.ending is Ending.FAILED:
        results["FailureReason"] = state.failure_reason
    if state.metrics:
        results["FinalMetricDataList"] = [
            {"MetricName": one.name, "Value": one.value, "Timestamp": one.at}
            for one in state.metrics
        ]
    return results


def _artifacts(job: Resource) -> str:
    place = location(job.request["OutputDataConfig"]["S3OutputPath"]).below(job.name)
    return place.below("output/model.tar.gz").uri


def _check_values(call: Call, images: JobImages) -> None:
    given = call.parameters
    algorithm = given.get("AlgorithmSpecification", {})
    if "ResourceConfig" not in given or "StoppingCondition" not in given:
        raise validation("ResourceConfig and StoppingCondition are required")
    builtin = trained_by(images, given).algorithm
    _check_resources(call)
    _check_output(call)
    _check_metrics(algorithm)
    channels = given.get("InputDataConfig", ())
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) < len(names):
        raise validation("Channel names in InputDataConfig must be unique")
    for channel in channels:
        _check_channel(call, algorithm, channel)
    hyperparameters = given.get("HyperParameters", {})
    if builtin is not None:
        problems = registry.validate_hyperparameters(builtin, hyperparameters, names)
        if problems:
            raise validation("; ".join(problems))


def _check_resources(call: Call) -> None:
    count = call.parameters["ResourceConfig"].get("InstanceCount", 1)
    if not 1 <= count <= MOST_INSTANCES:
        members.refuse(
            call, "ResourceConfig.InstanceCount", count, f"1 to {MOST_INSTANCES} instances work"
        )


def _check_output(call: Call) -> None:
    output = call.parameters["OutputDataConfig"]
    if output.get("CompressionType", "GZIP") != "GZIP":
        members.refuse(
            call, "OutputDataConfig.CompressionType", output["CompressionType"], "GZIP works"
        )
    try:
        location(output["S3OutputPath"])
    except DataError as error:
        raise validation(str(error)) from None


def _check_metrics(algorithm: Mapping[str, Any]) -> None:
    for one in algorithm.get("MetricDefinitions", ()):
        try:
            groups = re.compile(one["Regex"]).groups
        except re.error as error:
            raise validation(
                f"The regex of the metric {one['Name']} is not valid: {error}: {one['Regex']}"
            ) from None
        if not groups:
            raise validation(
                f"The regex of the metric {one['Name']} has no group for the value: {one['Regex']}"
            )


def _check_channel(call: Call, algorithm: Mapping[str, Any], channel: Mapping[str, Any]) -> None:
    name = f"InputDataConfig.{channel['ChannelName']}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise validation(f"{name}.DataSource.S3DataSource is required")
    mode = channel.get("InputMode") or algorithm["TrainingInputMode"]
    if mode == "Pipe":
        members.refuse(call, f"{name}.InputMode", mode, "File and FastFile work")
    for member, works in (("CompressionType", "None"), ("RecordWrapperType", "None")):
        if channel.get(member, works) != works:
            members.refuse(call, f"{name}.{member}", channel[member], f"{works} works")
    if source["S3DataType"] not in {"S3Prefix", "ManifestFile"}:
        members.refuse(
            call, f"{name}.S3DataType", source["S3DataType"], "S3Prefix and ManifestFile work"
        )


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, Kind.TRAINING_JOB, call.parameters["TrainingJobName"]))]


async def _create_needs(call: Call) -> Iterable[Need]:
    given = call.parameters
    return creation_needs(call, Kind.TRAINING_JOB, given["TrainingJobName"], given["RoleArn"])
