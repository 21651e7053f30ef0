"""The two routes that name a package by its URL; Flowmaker fetches it while the client waits."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flowmaker import ids
from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import messages, requests, uploads, wire
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.status import answering
from flowmaker.pipelines.ir.documents import LIMIT, MEGABYTES
from flowmaker.pipelines.records.catalog import Pipeline, PipelineVersion
from flowmaker.pipelines.repository import catalog

#: Seconds that a package's host may be silent.
PATIENCE = 30.0
REDIRECTS = 5


class Fetched:
    """What KFP's PipelineService makes of URLs."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        versions = "/pipelines/{pipeline_id}/versions"
        return [
            Route("/pipelines/create", answering(self.create), methods=["POST"]),
            Route(versions, answering(self.create_version), methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """A new pipeline and its first version, which has the pipeline's name unless it says."""
        requests.parameters(request, ())
        both = messages.PIPELINE_AND_VERSION.read(await requests.json_body(request))
        given = messages.PIPELINE.read(both.get("pipeline", {}))
        name = given.get("name") or given.get("display_name", "")
        if not name.strip():
            raise InvalidInput("pipeline: name is missing.")
        namespace = self._context.access.namespace(given.get("namespace", ""))
        await self._context.access.check_shared(request, namespace)
        version = await self._version(both.get("pipeline_version", {}), ids.new(), name)
        pipeline = Pipeline(
            pipeline_id=version.pipeline_id,
            name=name,
            display_name=given.get("display_name") or name,
            description=given.get("description", ""),
            namespace=namespace,
            created_at=version.created_at,
            tags=messages.tags("pipeline", given.get("tags", {})),
        )
        await self._context.database.write(catalog.insert_pipeline_and_version, pipeline, version)
        return JSONResponse(wire.pipeline(pipeline))

    async def create_version(self, request: Request) -> Response:
        """A new version of a pipeline that is there."""
        requests.parameters(request, ())
        pipeline_id = request.path_params["pipeline_id"]
        given = await requests.json_body(request)
        await self._context.database.read(catalog.get_pipeline, pipeline_id)
        version = await self._version(given, pipeline_id, "")
        await self._context.database.write(catalog.insert_version, version)
        return JSONResponse(wire.version(version))

    async def _version(self, document: Any, pipeline_id: str, name: str) -> PipelineVersion:  # noqa: ANN401
        given = messages.VERSION.read(document)
        if given.get("pipeline_id", pipeline_id) not in ("", pipeline_id):
            raise InvalidInput("pipeline version: pipeline_id is another one than the path's.")
        name = given.get("name") or given.get("display_name") or name
        if not name.strip():
            raise InvalidInput("pipeline version: name is missing.")
        url = messages.URL.read(given.get("package_url", {})).get("pipeline_url", "")
        version = await uploads.new_version(
            self._context, await fetch(url), given, pipeline_id=pipeline_id, name=name
        )
        return replace(version, package_url=url)


async def fetch(url: str) -> bytes:
    """What is at a URL.

    Raises:
        InvalidInput: it cannot be had, or it is larger than a package may be.
    """
    if not url.startswith(("http://", "https://")):
        raise InvalidInput(
            f"package_url.pipeline_url must be an http(s) URL; it is {url!r}. Fetch the package"
            " yourself and upload it: kfp.Client().upload_pipeline or upload_pipeline_version."
        )
    import httpx  # noqa: PLC0415 - a twentieth of the server's start, for what is rare

    client = httpx.AsyncClient(
        follow_redirects=True, max_redirects=REDIRECTS, timeout=httpx.Timeout(PATIENCE)
    )
    content = bytearray()
    try:
        async with client, client.stream("GET", url) as response:
            response.raise_for_status()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > LIMIT:
                    raise InvalidInput(f"The package at {url} is larger than {MEGABYTES}.")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        why = str(error) or type(error).__name__
        raise InvalidInput(f"The package at {url} cannot be fetched: {why}") from None
    return bytes(content)
