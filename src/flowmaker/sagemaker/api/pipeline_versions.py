"""ListPipelineVersions, UpdatePipelineVersion: the definitions that a pipeline has had."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flowmaker.aws.service import Call, Operation
from flowmaker.sagemaker.api import members
from flowmaker.sagemaker.api.desk import Desk
from flowmaker.sagemaker.api.pipeline_pages import whole_page
from flowmaker.sagemaker.api.pipelines import called, find_pipeline, find_version, pipeline_needs
from flowmaker.sagemaker.repository import pipelines


class PipelineVersions:
    """The operations on versions of pipelines."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> dict[str, Operation]:
        return {
            "ListPipelineVersions": Operation(handler=self.list, needs=pipeline_needs),
            "UpdatePipelineVersion": Operation(handler=self.update, needs=pipeline_needs),
        }

    async def list(self, call: Call) -> Mapping[str, Any]:
        given, database = call.parameters, self._desk.database
        pipeline = await find_pipeline(self._desk, call)
        found = await database.read(
            pipelines.versions,
            pipeline.id,
            after=given.get("CreatedAfter"),
            before=given.get("CreatedBefore"),
        )
        last = await database.read(pipelines.last_executions, pipeline.id)
        if given.get("SortOrder") != "Ascending":
            found.reverse()
        told = [
            {
                "PipelineArn": pipeline.arn,
                "PipelineVersionId": one.number,
                "CreationTime": one.created_at,
                **called(one),
                **_last(last.get(one.number)),
            }
            for one in found
        ]
        return whole_page(call, "PipelineVersionSummaries", told)

    async def update(self, call: Call) -> Mapping[str, Any]:
        members.check(call)
        given = call.parameters
        pipeline = await find_pipeline(self._desk, call)
        version = await find_version(self._desk, call, pipeline)
        renamed = replace(
            version,
            display_name=given.get("PipelineVersionDisplayName", version.display_name),
            description=given.get("PipelineVersionDescription", version.description),
        )
        await self._desk.database.write(pipelines.rename_version, pipeline.id, renamed)
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": version.number}


def _last(arn: str | None) -> dict[str, str]:
    return {"LastExecutionPipelineExecutionArn": arn} if arn else {}
