"""The routes of experiments."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flowmaker import ids
from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import filters, messages, paging, requests, wire
from flowmaker.pipelines.api.access import EXPERIMENT
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.status import answering
from flowmaker.pipelines.records.catalog import Experiment
from flowmaker.pipelines.repository import catalog, listing


class Experiments:
    """KFP's ExperimentService."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        one = "/experiments/{experiment_id}"
        return [
            Route("/experiments", answering(self.create), methods=["POST"]),
            Route("/experiments", answering(self.list), methods=["GET"]),
            Route(one + ":archive", answering(self.archive), methods=["POST"]),
            Route(one + ":unarchive", answering(self.unarchive), methods=["POST"]),
            Route(one, answering(self.get), methods=["GET"]),
            Route(one, answering(self.delete), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        requests.parameters(request, ())
        given = messages.EXPERIMENT.read(await requests.json_body(request))
        if not given.get("display_name", "").strip():
            raise InvalidInput("experiment: display_name is missing.")
        namespace = self._context.access.namespace(given.get("namespace", ""))
        await self._context.access.check(request, namespace, EXPERIMENT)
        experiment = Experiment(
            experiment_id=ids.new(),
            display_name=given["display_name"],
            description=given.get("description", ""),
            namespace=namespace,
            created_at=self._context.clock.now(),
        )
        await self._context.database.write(catalog.insert_experiment, experiment)
        return JSONResponse(wire.experiment(experiment))

    async def list(self, request: Request) -> Response:
        given = requests.parameters(request, paging.PARAMETERS | {"namespace"})
        access, namespace = self._context.access, given.get("namespace", "")
        await access.check(request, namespace, EXPERIMENT)
        query, text = paging.query(given, filters.EXPERIMENT, access.within(namespace))
        page = await self._context.database.read(listing.list_experiments, query)
        token = paging.token(page.last, query, text, filters.EXPERIMENT)
        items = [wire.experiment(experiment) for experiment in page.items]
        return JSONResponse(wire.page("experiments", items, page.total, token))

    async def get(self, request: Request) -> Response:
        requests.parameters(request, ())
        found = await self._context.database.read(catalog.get_experiment, _id(request))
        return JSONResponse(wire.experiment(found))

    async def archive(self, request: Request) -> Response:
        requests.parameters(request, ())
        await self._context.database.write(catalog.archive_experiment, _id(request))
        return JSONResponse({})

    async def unarchive(self, request: Request) -> Response:
        requests.parameters(request, ())
        await self._context.database.write(catalog.unarchive_experiment, _id(request))
        return JSONResponse({})

    async def delete(self, request: Request) -> Response:
        requests.parameters(request, ())
        await self._context.database.write(catalog.delete_experiment, _id(request))
        return JSONResponse({})


def _id(request: Request) -> str:
    return request.path_params["experiment_id"]
