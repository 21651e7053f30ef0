"""CreatePipeline, Describe, Update, List and Delete: definitions that executions are made of."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flowmaker.aws.errors import AwsError, validation
from flowmaker.aws.service import Call, Need, Operation, Principal
from flowmaker.sagemaker.api import lists, members
from flowmaker.sagemaker.api.desk import Desk, arn, creation_needs, need
from flowmaker.sagemaker.container.storage import DataError, JobStorage, Location
from flowmaker.sagemaker.lifecycle.pipeline_definition import DefinitionError, parse
from flowmaker.sagemaker.records.pipeline import PipelineVersion
from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import pipelines

KIND = Kind.PIPELINE
#: What of a request stays as it is until it is changed.
_KEPT = (
    "PipelineDisplayName",
    "PipelineDescription",
    "RoleArn",
    "ParallelismConfiguration",
)
_LONGEST_DEFINITION = 1 << 20


class Pipelines:
    """The operations on pipelines."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "CreatePipeline": Operation(handler=self.create, needs=_create_needs),
            "DescribePipeline": Operation(handler=self.describe, needs=pipeline_needs),
            "UpdatePipeline": Operation(handler=self.update, needs=_update_needs),
            "DeletePipeline": Operation(handler=self.delete, needs=pipeline_needs),
            "ListPipelines": Operation(handler=self.list, needs=_list_needs),
        }

    async def create(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        name = given["PipelineName"]
        existing = await self._desk.find(call, KIND, name)
        if existing is not None:
            return _the_same(existing, call)
        definition = await self._definition(call)
        if not definition:
            raise validation("PipelineDefinition or PipelineDefinitionS3Location is required")
        await self._desk.assume(call, given["RoleArn"])
        who = identity(call.principal)
        draft = self._desk.draft(
            call,
            KIND,
            name,
            status="Active",
            state={"CreatedBy": who, "LastModifiedBy": who},
        )
        request = {member: given[member] for member in _KEPT if member in given}
        token = given["ClientRequestToken"]
        request |= {"PipelineDefinition": definition, "ClientRequestToken": token}
        pipeline = replace(draft, request=request)
        first = PipelineVersion(number=1, definition=definition, created_at=pipeline.created_at)
        also = partial(pipelines.add_version, pipeline=pipeline, version=first)
        await self._desk.create(call, pipeline, _duplicate(name), also=also)
        return {"PipelineArn": pipeline.arn}

    async def describe(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        pipeline = await find_pipeline(self._desk, call)
        last = await self._desk.database.read(pipelines.last_run, pipeline.id)
        version = await find_version(self._desk, call, pipeline)
        return (
            described(pipeline)
            | ({"LastRunTime": last} if last else {})
            | {"PipelineDefinition": version.definition}
            | called(version)
        )

    async def update(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        definition = await self._definition(call)
        if given.get("RoleArn"):
            await self._desk.assume(call, given["RoleArn"])
        changes = {member: given[member] for member in _KEPT if member in given}
        if definition:
            changes["PipelineDefinition"] = definition
        while True:
            pipeline = await find_pipeline(self._desk, call)
            latest = await find_version(self._desk, call, pipeline)
            now = self._desk.clock.now()
            changed = replace(
                pipeline,
                request={**pipeline.request, **changes},
                state={**pipeline.state, "LastModifiedBy": identity(call.principal)},
                modified_at=now,
            )
            further = None
            if definition and definition != latest.definition:
                latest = further = PipelineVersion(
                    number=latest.number + 1, definition=definition, created_at=now
                )
            if await self._desk.database.write(pipelines.update, changed, further):
                return {"PipelineArn": pipeline.arn, "PipelineVersionId": latest.number}

    async def delete(self, call: Call) -> Mapping[str, Any]:
        pipeline = await find_pipeline(self._desk, call)
        if not await self._desk.database.write(pipelines.delete, pipeline):
            raise AwsError(
                "ConflictException",
                f"Pipeline {pipeline.arn} cannot be deleted: it has executions that have not "
                "ended. Stop them first.",
            )
        return {"PipelineArn": pipeline.arn}

    async def list(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        if call.parameters.get("ManagedBy") == "AWS":
            return {"PipelineSummaries": []}  # all are made by their users
        narrowed = {"prefix": call.parameters.get("PipelineNamePrefix", "")}
        answer = await lists.page(self._desk, call, _LISTING, narrowed)
        told = [await self._with_last_run(call, one) for one in answer["PipelineSummaries"]]
        return {**answer, "PipelineSummaries": told}

    async def _with_last_run(self, call: Call, summary: Mapping[str, Any]) -> Mapping[str, Any]:
        pipeline = await self._desk.find(call, KIND, summary["PipelineName"])
        if pipeline is None:
            return summary
        last = await self._desk.database.read(pipelines.last_run, pipeline.id)
        return {**summary, "LastExecutionTime": last} if last else summary

    async def _definition(self, call: Call) -> str:
        """The definition that a request has, or names; empty for none.

        Raises:
            AwsError: it cannot be.
        """
        given = call.parameters
        text, place = given.get("PipelineDefinition"), given.get("PipelineDefinitionS3Location")
        if text and place:
            raise validation("Give either PipelineDefinition or PipelineDefinitionS3Location")
        if place:
            text = await self._from_s3(call, Location(place["Bucket"], place["ObjectKey"]))
        if not text:
            return ""
        try:
            parse(text)
        except DefinitionError as error:
            raise validation(str(error)) from None
        return str(text)

    async def _from_s3(self, call: Call, place: Location) -> str:
        """A definition in S3, as the caller reads it."""
        storage = JobStorage(
            objects=self._desk.objects,
            authorizer=self._desk.authorizer,
            principal=call.principal,
            region=call.region,
        )
        try:
            found = await storage.get(place)
            text = await asyncio.to_thread(self._desk.objects.path(found).read_text, "utf-8")
        except (DataError, UnicodeDecodeError) as error:
            raise validation(f"PipelineDefinitionS3Location: {error}") from None
        if len(text) > _LONGEST_DEFINITION:
            raise validation(f"{place.uri} is longer than {_LONGEST_DEFINITION} characters")
        return text


async def find_pipeline(desk: Desk, call: Call) -> Resource:
    """The pipeline of the name or the ARN that a request has.

    Raises:
        AwsError: there is none.
    """
    name = name_of(call)
    found = await desk.find(call, KIND, name)
    if found is None:
        raise AwsError("ResourceNotFound", f"Pipeline '{arn(call, KIND, name)}' does not exist.")
    return found


async def find_version(desk: Desk, call: Call, pipeline: Resource) -> PipelineVersion:
    """The version of a pipeline that a request names, or else its last.

    Raises:
        AwsError: there is no such version.
    """
    found = await desk.database.read(pipelines.versions, pipeline.id)
    number = call.parameters.get("PipelineVersionId", found[-1].number)
    version = next((one for one in found if one.number == number), None)
    if version is None:
        raise AwsError("ResourceNotFound", f"Pipeline '{pipeline.arn}' has no version {number}.")
    return version


def called(version: PipelineVersion) -> dict[str, str]:
    """What a version is called, where it is."""
    names = {
        "PipelineVersionDisplayName": version.display_name,
        "PipelineVersionDescription": version.description,
    }
    return {member: value for member, value in names.items() if value}


def name_of(call: Call) -> str:
    given = call.parameters
    return str(given.get("PipelineName") or given["PipelineArn"]).rpartition("/")[2]


def identity(principal: Principal) -> dict[str, str]:
    """Who did something, as UserContext tells it."""
    return {"Arn": principal.arn, "PrincipalId": principal.user_id}


def described(pipeline: Resource) -> dict[str, Any]:
    """What is told of a pipeline, but for its definition."""
    request = pipeline.request
    return {
        "PipelineArn": pipeline.arn,
        "PipelineName": pipeline.name,
        "PipelineDisplayName": pipeline.name,
        **{member: request[member] for member in _KEPT if member in request},
        "PipelineStatus": pipeline.status,
        "CreationTime": pipeline.created_at,
        "LastModifiedTime": pipeline.modified_at,
        "CreatedBy": {"IamIdentity": pipeline.state["CreatedBy"]},
        "LastModifiedBy": {"IamIdentity": pipeline.state["LastModifiedBy"]},
    }


def _summary(pipeline: Resource) -> dict[str, Any]:
    told = described(pipeline)
    shown = (
        "PipelineArn",
        "PipelineName",
        "PipelineDisplayName",
        "PipelineDescription",
        "RoleArn",
        "CreationTime",
        "LastModifiedTime",
    )
    return {member: told[member] for member in shown if member in told}


def _the_same(existing: Resource, call: Call) -> Mapping[str, Any]:
    """What is answered to a request that comes again.

    Raises:
        AwsError: it is another one for the same name.
    """
    if existing.request.get("ClientRequestToken") != call.parameters["ClientRequestToken"]:
        raise _duplicate(existing.name)
    return {"PipelineArn": existing.arn}


def _duplicate(name: str) -> AwsError:
    return validation(
        "Pipeline names must be unique within an AWS account and region. Pipeline with name "
        f"({name}) already exists."
    )


_LISTING = lists.Listing(kind=KIND, member="PipelineSummaries", prefix="Pipeline", summary=_summary)


async def pipeline_needs(call: Call) -> Iterable[Need]:
    return [need(call, arn(call, KIND, name_of(call)))]


async def _update_needs(call: Call) -> Iterable[Need]:
    return creation_needs(call, KIND, name_of(call), call.parameters.get("RoleArn", ""))


async def _create_needs(call: Call) -> Iterable[Need]:
    return creation_needs(call, KIND, name_of(call), call.parameters["RoleArn"])


async def _list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]
