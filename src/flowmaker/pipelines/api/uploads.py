"""The two routes that packages are uploaded by: a form with the file, the rest in the query."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flowmaker import ids
from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import messages, requests, wire
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.status import answering_upload
from flowmaker.pipelines.ir import package
from flowmaker.pipelines.ir.validate import validate
from flowmaker.pipelines.records.catalog import Pipeline, PipelineVersion
from flowmaker.pipelines.repository import catalog

PARAMETERS = frozenset({"name", "display_name", "description", "tags", "code_source_url"})


class Uploads:
    """KFP's PipelineUploadService."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        return [
            Route("/pipelines/upload", answering_upload(self.upload), methods=["POST"]),
            Route(
                "/pipelines/upload_version",
                answering_upload(self.upload_version),
                methods=["POST"],
            ),
        ]

    async def upload(self, request: Request) -> Response:
        """A new pipeline and its first version, which has the pipeline's name."""
        given = _parameters(request, {"namespace"})
        namespace = self._context.access.namespace(given.get("namespace", ""))
        await self._context.access.check_shared(request, namespace)
        tags = given.pop("tags")
        version = await self._version(request, given, pipeline_id=ids.new())
        pipeline = Pipeline(
            pipeline_id=version.pipeline_id,
            name=version.name,
            display_name=version.display_name,
            description=version.description,
            namespace=namespace,
            created_at=version.created_at,
            tags=tags,
        )
        await self._context.database.write(catalog.insert_pipeline_and_version, pipeline, version)
        return JSONResponse(wire.pipeline(pipeline))

    async def upload_version(self, request: Request) -> Response:
        """A new version of a pipeline that is there."""
        given = _parameters(request, {"pipelineid"})
        pipeline_id = given.get("pipelineid", "")
        if not pipeline_id:
            raise InvalidInput("Query parameter 'pipelineid' is missing.")
        pipeline = await self._context.database.read(catalog.get_pipeline, pipeline_id)
        await self._context.access.check_shared(request, pipeline.namespace)
        version = await self._version(request, given, pipeline_id=pipeline_id)
        await self._context.database.write(catalog.insert_version, version)
        return JSONResponse(wire.version(version))

    async def _version(
        self, request: Request, given: dict[str, Any], *, pipeline_id: str
    ) -> PipelineVersion:
        file_name, content = await requests.uploaded(request)
        name = given.get("name") or PurePath(file_name).name
        if not name.strip():
            raise InvalidInput("Query parameter 'name' is missing.")
        return await new_version(self._context, content, given, pipeline_id=pipeline_id, name=name)


def _parameters(request: Request, also: set[str]) -> dict[str, Any]:
    given = requests.parameters(request, PARAMETERS | also)
    try:
        tags = json.loads(given.get("tags") or "{}")
    except ValueError as error:
        raise InvalidInput(f"Query parameter 'tags' is not JSON: {error}.") from None
    return {**given, "tags": messages.tags("Query parameter 'tags'", tags)}


async def new_version(
    context: Context, content: bytes, given: Mapping[str, Any], *, pipeline_id: str, name: str
) -> PipelineVersion:
    """A version of a package, with what the request says of it.

    Raises:
        InvalidInput: it is no package that can run.
    """
    pipeline_spec, platform_spec = await asyncio.to_thread(_read, content)
    return PipelineVersion(
        pipeline_version_id=ids.new(),
        pipeline_id=pipeline_id,
        name=name,
        display_name=given.get("display_name") or name,
        description=given.get("description", ""),
        code_source_url=given.get("code_source_url", ""),
        created_at=context.clock.now(),
        pipeline_spec=pipeline_spec,
        platform_spec=platform_spec,
        tags=messages.tags("pipeline version", given.get("tags", {})),
    )


def _read(content: bytes) -> package.Package:
    """A package that can run, once its images are known: they may come later than it."""
    pipeline_spec, platform_spec = package.read(content)
    validate(pipeline_spec, platform_spec, lambda _image: None)
    return pipeline_spec, platform_spec
