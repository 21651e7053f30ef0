"""Trial components: what was done in a trial, by a person's code or by a job.

A job that says in its ExperimentConfig to which trial it belongs has a component of its own; what
is told of it is what the job is at that moment.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.sagemaker.api import lists, members
from flowmaker.sagemaker.api.desk import Desk, arn, need
from flowmaker.sagemaker.api.experiments import (
    COMPONENT,
    EXPERIMENT,
    TRIAL,
    create,
    create_needs,
    described,
    existing,
    list_needs,
    named_needs,
    update,
    where,
)
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import experiments as repository
from flowmaker.sagemaker.repository import resources
from flowmaker.sagemaker.repository.experiments import Summary
from flowmaker.store.database import Transaction

#: Members that are dictionaries, whose items an update adds and removes.
_DICTIONARIES = ("Parameters", "InputArtifacts", "OutputArtifacts")
#: The most of a member that AWS keeps.
_LONGEST = 2500

#: What a job's component is called, and what AWS calls the job.
_OF_JOBS = {
    Kind.TRAINING_JOB: ("aws-training-job", "SageMakerTrainingJob"),
    Kind.TRANSFORM_JOB: ("aws-transform-job", "SageMakerTransformJob"),
    Kind.PROCESSING_JOB: ("aws-processing-job", "SageMakerProcessingJob"),
}


class TrialComponents:
    """The operations on trial components."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateTrialComponent": Operation(handler=self.create, needs=create_needs),
            "DescribeTrialComponent": Operation(handler=self.describe, needs=named_needs),
            "UpdateTrialComponent": Operation(handler=self.update, needs=named_needs),
            "DeleteTrialComponent": Operation(handler=self.delete, needs=named_needs),
            "ListTrialComponents": Operation(handler=self.list, needs=list_needs),
            "AssociateTrialComponent": Operation(handler=self.associate, needs=_both),
            "DisassociateTrialComponent": Operation(handler=self.disassociate, needs=_both),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        return await create(self._desk, call, COMPONENT)

    async def describe(self, call: Call) -> Mapping[str, Any]:
        return await told(self._desk, await self._existing(call))

    async def update(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        return await update(self._desk, call, COMPONENT, lambda state: _changed(state, call))

    async def delete(self, call: Call) -> Mapping[str, Any]:
        one = await self._existing(call)
        if await self._desk.database.read(repository.trials_of, where(call), one.name):
            raise validation(
                f"Trial Component '{one.name}' belongs to trials. Disassociate it first."
            )
        await self._desk.database.write(_delete, one)
        return {"TrialComponentArn": one.arn}

    async def associate(self, call: Call) -> Mapping[str, Any]:
        trial, component = await self._pair(call)
        await self._desk.database.write(
            repository.associate, where(call), trial.name, component.name
        )
        return {"TrialArn": trial.arn, "TrialComponentArn": component.arn}

    async def disassociate(self, call: Call) -> Mapping[str, Any]:
        trial, component = await self._pair(call)
        together = await self._desk.database.write(
            repository.disassociate, where(call), trial.name, component.name
        )
        if not together:
            raise validation(
                f"Trial Component '{component.name}' does not belong to Trial '{trial.name}'."
            )
        return {"TrialArn": trial.arn, "TrialComponentArn": component.arn}

    async def list(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given, database = call.parameters, self._desk.database
        narrowed: dict[str, Any] = {}
        if given.get("TrialName"):
            trial = await existing(self._desk, call, TRIAL, given["TrialName"])
            narrowed["names"] = await database.read(
                repository.components_of, where(call), trial.name
            )
        elif given.get("ExperimentName"):
            of = await existing(self._desk, call, EXPERIMENT, given["ExperimentName"])
            narrowed["names"] = await database.read(
                repository.components_of_experiment, where(call), of.name
            )
        if given.get("SourceArn"):
            narrowed["equal"] = {"state.SourceArn": given["SourceArn"]}
        return await lists.page(self._desk, call, _COMPONENTS, narrowed)

    async def _existing(self, call: Call) -> Resource:
        name = call.parameters["TrialComponentName"].rpartition("/")[2]
        return await existing(self._desk, call, COMPONENT, name)

    async def _pair(self, call: Call) -> tuple[Resource, Resource]:
        trial = await existing(self._desk, call, TRIAL, call.parameters["TrialName"])
        return trial, await self._existing(call)


def of_job(desk: Desk, call: Call, job: Resource) -> Callable[[Transaction], None] | None:
    """What puts a job's component on record, together with the job; None if it has no trial."""
    config = job.request.get("ExperimentConfig", {})
    trial = config.get("TrialName")
    if not trial:
        return None
    suffix, source = _OF_JOBS[job.kind]
    component = desk.draft(
        call,
        Kind.TRIAL_COMPONENT,
        f"{job.name}-{suffix}",
        state={
            "CreatedBy": call.principal.arn,
            "SourceArn": job.arn,
            "SourceType": source,
            "DisplayName": config.get("TrialComponentDisplayName") or f"{job.name}-{suffix}",
        },
    )
    return lambda tx: repository.create_component(tx, component, trial)


async def check_experiment(desk: Desk, call: Call) -> None:
    """The trial that a job's ExperimentConfig names exists.

    Raises:
        AwsError: it does not.
    """
    config = call.parameters.get("ExperimentConfig", {})
    if config.get("TrialName"):
        await existing(desk, call, TRIAL, config["TrialName"])
    if config.get("ExperimentName"):
        await existing(desk, call, EXPERIMENT, config["ExperimentName"])


async def told(desk: Desk, component: Resource) -> dict[str, Any]:
    """The answer of DescribeTrialComponent: with its metrics, and with what its job is now."""
    answer = described(component)
    answer["Metrics"] = [
        _metric(one, component.state.get("SourceArn") or component.arn)
        for one in await desk.database.read(repository.summaries, component.arn)
    ]
    source = answer.pop("SourceArn", "")
    if source:
        answer["Source"] = {"SourceArn": source, "SourceType": answer.pop("SourceType", "")}
        job = await desk.database.read(resources.by_arn, source)
        answer |= _of_its_job(job) if job else {}
    return {name: value for name, value in answer.items() if value not in ({}, [])}


def _of_its_job(job: Resource) -> dict[str, Any]:
    """What a job's component has of the job: its settings, data, state and times."""
    request = job.request
    parameters: dict[str, Any] = {
        name: _parameter(text) for name, text in request.get("HyperParameters", {}).items()
    }
    settings: Mapping[str, Any] = (
        request.get("ResourceConfig")
        or request.get("TransformResources")
        or request.get("ProcessingResources", {}).get("ClusterConfig")
        or {}
    )
    for name in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if name in settings:
            parameters[f"SageMaker.{name}"] = _parameter(str(settings[name]))
    inputs = {
        channel["ChannelName"]: {"Value": channel["DataSource"]["S3DataSource"]["S3Uri"]}
        for channel in request.get("InputDataConfig", ())
        if "S3DataSource" in channel["DataSource"]
    } | {
        one["InputName"]: {"Value": one["S3Input"]["S3Uri"]}
        for one in request.get("ProcessingInputs", ())
    }
    told: dict[str, Any] = {
        "Parameters": parameters,
        "InputArtifacts": inputs,
        "Status": {"PrimaryStatus": job.status, "Message": f"Status: {job.status}"},
        "StartTime": job.created_at,
    }
    return told if job.open else told | {"EndTime": job.modified_at}


def _parameter(text: str) -> dict[str, Any]:
    try:
        return {"NumberValue": float(text)}
    except ValueError:
        return {"StringValue": text[:_LONGEST]}


def _metric(one: Summary, source: str) -> dict[str, Any]:
    return {
        "MetricName": one.name,
        "SourceArn": source,
        "TimeStamp": one.at,
        "Max": max(one.values),
        "Min": min(one.values),
        "Last": one.values[-1],
        "Count": len(one.values),
        "Avg": one.mean,
        "StdDev": one.deviation,
    }


def _changed(state: Mapping[str, Any], call: Call) -> dict[str, Any]:
    """The state after an update."""
    given = call.parameters
    after = dict(state)
    for name in ("DisplayName", "Status", "StartTime", "EndTime"):
        if name in given:
            after[name] = given[name]
    for name in _DICTIONARIES:
        items = {**after.get(name, {}), **given.get(name, {})}
        for gone in given.get(f"{name}ToRemove", ()):
            items.pop(gone, None)
        after[name] = items
    return after


def _delete(tx: Transaction, one: Resource) -> None:
    if resources.delete(tx, one):
        repository.forget_metrics(tx, one.arn)


def _summary(one: Resource) -> dict[str, Any]:
    members_told = (
        "TrialComponentName",
        "TrialComponentArn",
        "DisplayName",
        "Status",
        "StartTime",
        "EndTime",
        "CreationTime",
        "CreatedBy",
        "LastModifiedTime",
        "LastModifiedBy",
    )
    answer = described(one)
    summary = {name: answer[name] for name in members_told if name in answer}
    if one.state.get("SourceArn"):
        summary["TrialComponentSource"] = {
            "SourceArn": one.state["SourceArn"],
            "SourceType": one.state["SourceType"],
        }
    return summary


_COMPONENTS = lists.Listing(
    kind=Kind.TRIAL_COMPONENT,
    member="TrialComponentSummaries",
    prefix="TrialComponent",
    summary=_summary,
)


async def _both(call: Call) -> Iterable[Need]:
    given = call.parameters
    names = {Kind.TRIAL: given["TrialName"], Kind.TRIAL_COMPONENT: given["TrialComponentName"]}
    return [need(call, arn(call, kind, name.rpartition("/")[2])) for kind, name in names.items()]
