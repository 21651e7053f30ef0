"""The routes of pipelines and their versions."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flowmaker import ids
from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import filters, messages, paging, requests, wire
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.status import answering
from flowmaker.pipelines.records.catalog import Pipeline, PipelineVersion
from flowmaker.pipelines.repository import catalog, listing
from flowmaker.pipelines.repository.conditions import Condition, Operation, Page
from flowmaker.store.database import Transaction


class Pipelines:
    """KFP's PipelineService, without what fetches packages from a URL."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        one = "/pipelines/{pipeline_id}"
        version = one + "/versions/{pipeline_version_id}"
        return [
            Route("/pipelines", answering(self.create), methods=["POST"]),
            Route("/pipelines", answering(self.list), methods=["GET"]),
            Route("/pipelines/names/{name:path}", answering(self.get_by_name), methods=["GET"]),
            Route(one, answering(self.get), methods=["GET"]),
            Route(one, answering(self.delete), methods=["DELETE"]),
            Route(one, answering(self.change), methods=["PATCH"]),
            Route(version, answering(self.change_version), methods=["PATCH"]),
            Route(one + "/versions", answering(self.list_versions), methods=["GET"]),
            Route(version, answering(self.get_version), methods=["GET"]),
            Route(version, answering(self.delete_version), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """A pipeline without a version yet."""
        requests.parameters(request, ())
        given = messages.PIPELINE.read(await requests.json_body(request))
        name = given.get("name") or given.get("display_name", "")
        if not name.strip():
            raise InvalidInput("pipeline: name is missing.")
        namespace = self._context.access.namespace(given.get("namespace", ""))
        await self._context.access.check_shared(request, namespace)
        pipeline = Pipeline(
            pipeline_id=ids.new(),
            name=name,
            display_name=given.get("display_name") or name,
            description=given.get("description", ""),
            namespace=namespace,
            created_at=self._context.clock.now(),
            tags=messages.tags("pipeline", given.get("tags", {})),
        )
        await self._context.database.write(catalog.insert_pipeline, pipeline)
        return JSONResponse(wire.pipeline(pipeline))

    async def list(self, request: Request) -> Response:
        given = requests.parameters(request, paging.PARAMETERS | {"namespace"})
        access, namespace = self._context.access, given.get("namespace", "")
        await access.check_shared(request, namespace)
        query, text = paging.query(given, filters.PIPELINE, access.within(namespace))
        page = await self._context.database.read(listing.list_pipelines, query)
        token = paging.token(page.last, query, text, filters.PIPELINE)
        items = [wire.pipeline(pipeline) for pipeline in page.items]
        return JSONResponse(wire.page("pipelines", items, page.total, token))

    async def get(self, request: Request) -> Response:
        requests.parameters(request, ())
        pipeline_id = request.path_params["pipeline_id"]
        found = await self._context.database.read(catalog.get_pipeline, pipeline_id)
        return JSONResponse(wire.pipeline(found))

    async def get_by_name(self, request: Request) -> Response:
        given = requests.parameters(request, ("namespace",))
        name = request.path_params["name"]
        namespace = self._context.access.namespace(given.get("namespace", ""))
        await self._context.access.check_shared(request, namespace)
        found = await self._context.database.read(catalog.pipeline_named, namespace, name)
        return JSONResponse(wire.pipeline(found))

    async def delete(self, request: Request) -> Response:
        given = requests.parameters(request, ("cascade",))
        cascade = requests.flag("cascade", given.get("cascade", ""))
        pipeline_id = request.path_params["pipeline_id"]
        await self._context.database.write(catalog.delete_pipeline, pipeline_id, cascade=cascade)
        return JSONResponse({})

    async def change(self, request: Request) -> Response:
        changes = await _changes(request)
        pipeline_id = request.path_params["pipeline_id"]
        changed = await self._context.database.write(catalog.change_pipeline, pipeline_id, changes)
        return JSONResponse(wire.pipeline(changed))

    async def change_version(self, request: Request) -> Response:
        changes = await _changes(request)
        of = _version(request)
        changed = await self._context.database.write(catalog.change_version, *of, changes)
        return JSONResponse(wire.version(changed))

    async def list_versions(self, request: Request) -> Response:
        given = requests.parameters(request, paging.PARAMETERS)
        pipeline_id = request.path_params["pipeline_id"]
        of_pipeline = Condition(column="pipeline_id", operation=Operation.EQUALS, value=pipeline_id)
        query, text = paging.query(given, filters.VERSION, (of_pipeline,))

        def load(tx: Transaction) -> Page[PipelineVersion]:
            catalog.get_pipeline(tx, pipeline_id)
            return listing.list_versions(tx, query)

        page = await self._context.database.read(load)
        token = paging.token(page.last, query, text, filters.VERSION)
        items = [wire.version(version) for version in page.items]
        return JSONResponse(wire.page("pipeline_versions", items, page.total, token))

    async def get_version(self, request: Request) -> Response:
        requests.parameters(request, ())
        found = await self._context.database.read(catalog.get_version, *_version(request))
        return JSONResponse(wire.version(found))

    async def delete_version(self, request: Request) -> Response:
        requests.parameters(request, ())
        await self._context.database.write(catalog.delete_version, *_version(request))
        return JSONResponse({})


async def _changes(request: Request) -> dict[str, Any]:
    """The `display_name` and the `tags` of an update: all that can be changed.

    An empty name is none; tags are all that there are from now on.
    """
    requests.parameters(request, ())
    given = messages.CHANGED.read(await requests.json_body(request))
    name = given.get("display_name", "")
    changes: dict[str, Any] = {"display_name": name} if name.strip() else {}
    if "tags" in given:
        changes["tags"] = messages.tags("update", given["tags"])
    if not changes:
        raise InvalidInput("update: display_name or tags must be given.")
    return changes


def _version(request: Request) -> tuple[str, str]:
    return request.path_params["pipeline_id"], request.path_params["pipeline_version_id"]
