"""CreateTransformJob, DescribeTransformJob, StopTransformJob."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import members, stopping
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, in_use, need
from flowmaker.sagemaker.api.fleets import batch_containers_of, is_isolated
from flowmaker.sagemaker.api.trial_components import check_experiment, of_job
from flowmaker.sagemaker.container import joining
from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.lifecycle import transform as lifecycle
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.hosting import TransformState
from flowmaker.sagemaker.records.resource import Kind, Resource

MOST_INSTANCES = 20
MOST_MEGABYTES = 100
#: Members of the request that DescribeTransformJob gives back as they came.
ECHOED = (
    "ModelName",
    "MaxConcurrentTransforms",
    "ModelClientConfig",
    "MaxPayloadInMB",
    "BatchStrategy",
    "Environment",
    "TransformInput",
    "TransformOutput",
    "TransformResources",
    "DataProcessing",
    "DataCaptureConfig",
    "ExperimentConfig",
)
#: What is honoured of members that have further values.
WORKS = (
    ("TransformInput", "CompressionType", {"None", "Gzip"}),
    ("TransformInput", "SplitType", {"None", "Line", "RecordIO", "TFRecord"}),
    ("TransformOutput", "AssembleWith", {"None", "Line"}),
    ("DataProcessing", "JoinSource", {"None", "Input"}),
)


class TransformJobs:
    """The operations on batch transform jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateTransformJob": Operation(handler=self.create, needs=_create_needs),
            "DescribeTransformJob": Operation(handler=self.describe, needs=_needs),
            "StopTransformJob": Operation(handler=self.stop, needs=_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        _check_values(call, self._desk.clock.now())
        given = call.parameters
        name = given["TransformJobName"]
        duplicate = in_use(Kind.TRANSFORM_JOB, arn(call, Kind.TRANSFORM_JOB, name))
        if await self._desk.find(call, Kind.TRANSFORM_JOB, name):
            raise duplicate
        await check_experiment(self._desk, call)
        model = await self._desk.existing(call, Kind.MODEL, given["ModelName"])
        role = model.request["ExecutionRoleArn"]
        source = given["TransformInput"]["DataSource"]["S3DataSource"]
        await self._desk.check_input(call, role, source)
        state = TransformState(
            containers=batch_containers_of(model), role_arn=role, isolated=is_isolated(model)
        )
        job = self._desk.draft(
            call,
            Kind.TRANSFORM_JOB,
            name,
            status=lifecycle.status(state),
            state=encode(state),
            open=True,
        )
        await self._desk.create(call, job, duplicate, also=of_job(self._desk, call, job))
        self._desk.hints.hint("transform_job", job.id)
        return {"TransformJobArn": job.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        name = call.parameters["TransformJobName"]
        job = await self._desk.existing(call, Kind.TRANSFORM_JOB, name)
        state = decode(TransformState, job.state)
        answer: dict[str, Any] = {
            "TransformJobName": job.name,
            "TransformJobArn": job.arn,
            "TransformJobStatus": job.status,
            "FailureReason": state.failure_reason or None,
            "CreationTime": job.created_at,
            "TransformStartTime": state.started_at,
            "TransformEndTime": state.ended_at,
            **{name: job.request[name] for name in ECHOED if name in job.request},
        }
        return {name: value for name, value in answer.items() if value is not None}

    async def stop(self, call: Call) -> None:
        await stopping.stop(
            self._desk, call, Kind.TRANSFORM_JOB, call.parameters["TransformJobName"], _stopping
        )


def _stopping(job: Resource, _now: datetime) -> tuple[str, Mapping[str, Any]] | None:
    state = decode(TransformState, job.state)
    if lifecycle.is_final(state):
        return None
    stopped = lifecycle.request_stop(state)
    return lifecycle.status(stopped), encode(stopped)


def _check_values(call: Call, now: datetime) -> None:
    given = call.parameters
    for group, member, works in WORKS:
        value = given.get(group, {}).get(member)
        if value and value not in works:
            members.refuse(call, f"{group}.{member}", value, f"{', '.join(sorted(works))} works")
    source = given["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] not in {"S3Prefix", "ManifestFile"}:
        members.refuse(call, "S3DataType", source["S3DataType"], "S3Prefix and ManifestFile work")
    count = given["TransformResources"]["InstanceCount"]
    if not 1 <= count <= MOST_INSTANCES:
        members.refuse(call, "InstanceCount", count, f"1 to {MOST_INSTANCES} instances work")
    _check_sizes(given)
    try:
        joining.of_request(given, now)
    except ValueError as error:
        raise validation(str(error)) from None
    try:
        location(given["TransformOutput"]["S3OutputPath"])
        if capture := given.get("DataCaptureConfig"):
            location(capture["DestinationS3Uri"])
    except DataError as error:
        raise validation(str(error)) from None


def _check_sizes(given: Mapping[str, Any]) -> None:
    megabytes = given.get("MaxPayloadInMB", 6)
    if not 1 <= megabytes <= MOST_MEGABYTES:
        raise validation(
            f"MaxPayloadInMB {megabytes} is not supported by Flowmaker: 1 to {MOST_MEGABYTES} works"
        )
    if given.get("MaxConcurrentTransforms", 1) * megabytes > MOST_MEGABYTES:
        raise validation("MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB")


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, Kind.TRANSFORM_JOB, call.parameters["TransformJobName"]))]


async def _create_needs(call: Call) -> Iterable[Need]:
    return creation_needs(call, Kind.TRANSFORM_JOB, call.parameters["TransformJobName"])
