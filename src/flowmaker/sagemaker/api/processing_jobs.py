"""CreateProcessingJob, Describe, List, Stop and Delete."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import members, stopping
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, in_use, need
from flowmaker.sagemaker.api.images import known
from flowmaker.sagemaker.api.lists import Listing, page
from flowmaker.sagemaker.api.trial_components import check_experiment, of_job
from flowmaker.sagemaker.container.processing import PROCESSING, count, is_inside, outputs
from flowmaker.sagemaker.container.storage import DataError, location
from flowmaker.sagemaker.lifecycle import processing as lifecycle
from flowmaker.sagemaker.records.document import decode, encode
from flowmaker.sagemaker.records.processing import ProcessingState
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources

#: Instances are processes of one machine.
MOST_INSTANCES = 20
#: Members of the request that DescribeProcessingJob gives back as they came.
ECHOED = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)


class ProcessingJobs:
    """The operations on processing jobs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateProcessingJob": Operation(handler=self.create, needs=_create_needs),
            "DescribeProcessingJob": Operation(handler=self.describe, needs=_needs),
            "StopProcessingJob": Operation(handler=self.stop, needs=_needs),
            "DeleteProcessingJob": Operation(handler=self.delete, needs=_needs),
            "ListProcessingJobs": Operation(handler=self.list, needs=_list_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        self._check_program(given["AppSpecification"])
        _check_instances(call)
        _check_inputs(call)
        _check_outputs(call)
        name = given["ProcessingJobName"]
        duplicate = in_use(Kind.PROCESSING_JOB, arn(call, Kind.PROCESSING_JOB, name))
        if await self._desk.find(call, Kind.PROCESSING_JOB, name):
            raise duplicate
        await check_experiment(self._desk, call)
        await self._desk.assume(call, given["RoleArn"])
        for one in given.get("ProcessingInputs", ()):
            await self._desk.check_input(call, given["RoleArn"], one["S3Input"])
        state = ProcessingState()
        status, document = lifecycle.status(state), encode(state)
        kind = Kind.PROCESSING_JOB
        job = self._desk.draft(call, kind, name, status=status, state=document, open=True)
        await self._desk.create(call, job, duplicate, also=of_job(self._desk, call, job))
        self._desk.hints.hint("processing_job", job.id)
        return {"ProcessingJobArn": job.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        name = call.parameters["ProcessingJobName"]
        return described(await self._desk.existing(call, Kind.PROCESSING_JOB, name))

    async def list(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        return await page(self._desk, call, _LISTING)

    async def stop(self, call: Call) -> None:
        await stopping.stop(
            self._desk, call, Kind.PROCESSING_JOB, call.parameters["ProcessingJobName"], _stopping
        )

    async def delete(self, call: Call) -> None:
        """Only the record goes: what the job left in S3, and its log, stay."""
        name = call.parameters["ProcessingJobName"]
        job = await self._desk.existing(call, Kind.PROCESSING_JOB, name)
        if job.open:
            why = "it has not ended"
            raise AwsError("ResourceInUse", f"The processing job {name} cannot be deleted: {why}.")
        await self._desk.database.write(resources.delete, job)

    def _check_program(self, specification: Mapping[str, Any]) -> None:
        image = specification["ImageUri"]
        found = known(self._desk.images, image, "AppSpecification.ImageUri", script=True)
        if found.container is None and not (
            specification.get("ContainerEntrypoint") or specification.get("ContainerArguments")
        ):
            raise validation(
                "AppSpecification.ContainerEntrypoint is required by Flowmaker: the image "
                f"{image} has no entrypoint of its own here."
            )


def _stopping(job: Resource, _now: datetime) -> tuple[str, Mapping[str, Any]] | None:
    state = decode(ProcessingState, job.state)
    if lifecycle.is_final(state):
        return None
    stopped = lifecycle.request_stop(state)
    return lifecycle.status(stopped), encode(stopped)


def described(job: Resource) -> dict[str, Any]:
    """The answer of DescribeProcessingJob."""
    state = decode(ProcessingState, job.state)
    answer: dict[str, Any] = {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.status,
        **{name: job.request[name] for name in ECHOED if name in job.request},
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        "ProcessingStartTime": state.started_at,
        **_end(state),
    }
    return {name: value for name, value in answer.items() if value is not None}


def summary(job: Resource) -> dict[str, Any]:
    """One of ListProcessingJobs."""
    answer: dict[str, Any] = {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.status,
        "CreationTime": job.created_at,
        "LastModifiedTime": job.modified_at,
        **_end(decode(ProcessingState, job.state)),
    }
    return {name: value for name, value in answer.items() if value is not None}


_LISTING = Listing(
    kind=Kind.PROCESSING_JOB,
    member="ProcessingJobSummaries",
    prefix="ProcessingJob",
    ascending=True,
    summary=summary,
)


def _end(state: ProcessingState) -> dict[str, Any]:
    """How it ended, once it has."""
    if not lifecycle.is_final(state):
        return {}
    return {
        "ProcessingEndTime": state.ended_at,
        "FailureReason": state.failure_reason or None,
        "ExitMessage": state.exit_message or None,
    }


def _check_instances(call: Call) -> None:
    if not call.parameters["ProcessingResources"]["ClusterConfig"].get("InstanceType"):
        raise validation("ProcessingResources.ClusterConfig.InstanceType is required")
    instances = count(call.parameters)
    if not 1 <= instances <= MOST_INSTANCES:
        members.refuse(call, "InstanceCount", instances, f"1 to {MOST_INSTANCES} instances work")


def _check_inputs(call: Call) -> None:
    inputs = call.parameters.get("ProcessingInputs", ())
    _check_names("ProcessingInputs", [one["InputName"] for one in inputs])
    for one in inputs:
        name = f"ProcessingInputs.{one['InputName']}"
        source = one.get("S3Input")
        if not source:
            raise validation(f"{name}.S3Input is required")
        _check_place(f"{name}.S3Input", source)
        for member, works in (("S3InputMode", "File"), ("S3CompressionType", "None")):
            if source.get(member, works) != works:
                members.refuse(call, f"{name}.{member}", source[member], f"{works} works")


def _check_outputs(call: Call) -> None:
    _check_names("ProcessingOutputConfig", [one["OutputName"] for one in outputs(call.parameters)])
    for one in outputs(call.parameters):
        name = f"ProcessingOutputConfig.{one['OutputName']}"
        target = one.get("S3Output")
        if not target:
            raise validation(f"{name}.S3Output is required")
        _check_place(f"{name}.S3Output", target)


def _check_names(member: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        raise validation(f"Names in {member} must be unique")


def _check_place(name: str, given: Mapping[str, Any]) -> None:
    path = given.get("LocalPath", "")
    if not is_inside(path):
        raise validation(
            f"{name}.LocalPath must be a folder below {PROCESSING}; it is {path or 'not given'}"
        )
    try:
        location(given["S3Uri"])
    except DataError as error:
        raise validation(str(error)) from None


async def _list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]


async def _needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, Kind.PROCESSING_JOB, call.parameters["ProcessingJobName"]))]


async def _create_needs(call: Call) -> Iterable[Need]:
    given = call.parameters
    name, role = given["ProcessingJobName"], given["RoleArn"]
    return creation_needs(call, Kind.PROCESSING_JOB, name, role)
