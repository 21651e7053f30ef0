"""CreateTrainingJob, DescribeTrainingJob, UpdateTrainingJob, StopTrainingJob, DeleteTrainingJob."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.api import members, stopping, training_job_updates, warm_pools
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, in_use, need
from flowmaker.sagemaker.api.images import trained_by
from flowmaker.sagemaker.api.trial_components import check_experiment, of_job
from flowmaker.sagemaker.container import pipes
from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.container.training import (
    OPT_ML,
    checkpoint_configuration,
    checkpoint_place,
    input_mode,
    is_uncompressed,
)
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
    "CheckpointConfig",
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
            "UpdateTrainingJob": Operation(handler=self.update, needs=_needs),
            "DeleteTrainingJob": Operation(handler=self.delete, needs=_needs),
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

    async def update(self, call: Call) -> Mapping[str, Any]:
        return await training_job_updates.update(self._desk, call)

    async def stop(self, call: Call) -> None:
        await stopping.stop(
            self._desk, call, Kind.TRAINING_JOB, call.parameters["TrainingJobName"], _stopping
        )

    async def delete(self, call: Call) -> None:
        """Only the record goes: what the job left in S3, and its log, stay."""
        name = call.parameters["TrainingJobName"]
        job = await self._desk.existing(call, Kind.TRAINING_JOB, name)
        if job.open or job.parent:
            why = "it has not ended" if job.open else "it belongs to a tuning job"
            raise AwsError("ResourceInUse", f"The training job {name} cannot be deleted: {why}.")
        await self._desk.database.write(resources.delete, job)


def _stopping(job: Resource, now: datetime) -> tuple[str, Mapping[str, Any]] | None:
    state = decode(TrainingState, job.state)
    if lifecycle.is_final(state):
        return None
    stopped = lifecycle.request_stop(state, now)
    return lifecycle.status(stopped), encode(stopped)


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
    await desk.assume(call, given["RoleArn"])
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
        "AlgorithmSpecification": told_algorithm(request["AlgorithmSpecification"]),
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
    return answer | _times(state) | _results(state) | warm_pools.told(job)


def told_algorithm(given: Mapping[str, Any]) -> dict[str, Any]:
    """As it came, with the metrics of a built-in algorithm: the SDK's analytics ask for them."""
    definitions = registry.metric_definitions(given)
    if not definitions:
        return dict(given)
    listed = [{"Name": name, "Regex": regex} for name, regex in definitions.items()]
    return {**given, "MetricDefinitions": listed}


def _times(state: TrainingState) -> dict[str, Any]:
    started = state.first_started_at or state.training_started_at
    if started is None:
        return {}
    times: dict[str, Any] = {"TrainingStartTime": started}
    if state.training_ended_at:
        whole = (state.training_ended_at - started).total_seconds()
        trained = lifecycle.trained(state, state.training_ended_at)
        times |= {
            "TrainingEndTime": state.training_ended_at,
            "TrainingTimeInSeconds": max(1, round(whole)),
            # Without what it waited to begin again.
            "BillableTimeInSeconds": max(1, round(trained)),
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
    output = job.request["OutputDataConfig"]
    name = "output/model/" if is_uncompressed(output) else "output/model.tar.gz"
    return location(output["S3OutputPath"]).below(job.name).below(name).uri


def _check_values(call: Call, images: JobImages) -> None:
    given = call.parameters
    algorithm = given.get("AlgorithmSpecification", {})
    if "ResourceConfig" not in given or "StoppingCondition" not in given:
        raise validation("ResourceConfig and StoppingCondition are required")
    builtin = trained_by(images, given).algorithm
    _check_resources(call)
    _check_output(call)
    _check_checkpoints(call)
    _check_spot(given)
    _check_metrics(algorithm)
    channels = given.get("InputDataConfig", ())
    names = [channel["ChannelName"] for channel in channels]
    if len(set(names)) < len(names):
        raise validation("Channel names in InputDataConfig must be unique")
    for channel in channels:
        _check_channel(call, channel)
    hyperparameters = given.get("HyperParameters", {})
    if builtin is not None:
        problems = registry.validate_hyperparameters(builtin, hyperparameters, names)
        if problems:
            raise validation("; ".join(problems))


def _check_resources(call: Call) -> None:
    asked = call.parameters["ResourceConfig"]
    if not asked.get("InstanceType"):
        raise validation("ResourceConfig.InstanceType is required")
    count = asked.get("InstanceCount", 1)
    if not 1 <= count <= MOST_INSTANCES:
        members.refuse(
            call, "ResourceConfig.InstanceCount", count, f"1 to {MOST_INSTANCES} instances work"
        )


def _check_output(call: Call) -> None:
    try:
        location(call.parameters["OutputDataConfig"]["S3OutputPath"])
    except DataError as error:
        raise validation(str(error)) from None


def _check_checkpoints(call: Call) -> None:
    configuration = checkpoint_configuration(call.parameters)
    if not configuration:
        return
    place = checkpoint_place(call.parameters)
    if not place.is_absolute() or OPT_ML.is_relative_to(place) or ".." in place.parts:
        members.refuse(
            call,
            "CheckpointConfig.LocalPath",
            place,
            f"it must be the absolute path of a folder that does not hold {OPT_ML}",
        )
    try:
        location(configuration["S3Uri"])
    except DataError as error:
        raise validation(str(error)) from None


def _check_spot(given: Mapping[str, Any]) -> None:
    condition = given["StoppingCondition"]
    runtime, wait = condition.get("MaxRuntimeInSeconds", 86400), "MaxWaitTimeInSeconds"
    if given.get("EnableManagedSpotTraining") and condition.get(wait, 0) < runtime:
        raise validation(
            f"Invalid {wait}. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


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


def _check_channel(call: Call, channel: Mapping[str, Any]) -> None:
    name = f"InputDataConfig.{channel['ChannelName']}"
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise validation(f"{name}.DataSource.S3DataSource is required")
    kind, mode = source["S3DataType"], input_mode(call.parameters, channel)
    if kind not in {"S3Prefix", "ManifestFile", pipes.AUGMENTED}:
        members.refuse(
            call,
            f"{name}.S3DataType",
            kind,
            f"S3Prefix, ManifestFile and {pipes.AUGMENTED} work",
        )
    if mode != "Pipe":
        _check_file_mode(name, channel, kind)
        return
    wrapped = channel.get("RecordWrapperType") == "RecordIO"
    if kind == pipes.AUGMENTED and not (wrapped and source.get("AttributeNames")):
        raise validation(
            f"{name}: {pipes.AUGMENTED} needs AttributeNames and the RecordWrapperType RecordIO"
        )


def _check_file_mode(name: str, channel: Mapping[str, Any], kind: str) -> None:
    """Contract: the API reference, Channel: what is for Pipe mode alone."""
    for member in ("CompressionType", "RecordWrapperType"):
        if channel.get(member, "None") != "None":
            raise validation(
                f"{name}.{member} {channel[member]} can be used in Pipe input mode only; in File "
                "mode, leave it unset or set it to None"
            )
    if kind == pipes.AUGMENTED:
        raise validation(f"{name}.S3DataType {kind} can be used in Pipe input mode only")
    if "ShuffleConfig" in channel:
        raise validation(f"{name}.ShuffleConfig has an effect in Pipe input mode only")


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, Kind.TRAINING_JOB, call.parameters["TrainingJobName"]))]


async def _create_needs(call: Call) -> Iterable[Need]:
    given = call.parameters
    return creation_needs(call, Kind.TRAINING_JOB, given["TrainingJobName"], given["RoleArn"])
