"""The routes of recurring runs."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flowmaker import ids
from flowmaker.pipelines.api import filters, paging, recurring_messages, requests, submission, wire
from flowmaker.pipelines.api.access import RECURRING_RUN
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.status import answering
from flowmaker.pipelines.lifecycle import schedule
from flowmaker.pipelines.records.recurring import RecurringRun
from flowmaker.pipelines.repository import listing, recurring
from flowmaker.store.database import Transaction

#: The topic that their controller listens to.
TOPIC = "recurring_run"


class RecurringRuns:
    """KFP's RecurringRunService."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        one = "/recurringruns/{recurring_run_id}"
        return [
            Route("/recurringruns", answering(self.create), methods=["POST"]),
            Route("/recurringruns", answering(self.list), methods=["GET"]),
            Route(one + ":enable", answering(self.enable), methods=["POST"]),
            Route(one + ":disable", answering(self.disable), methods=["POST"]),
            Route(one, answering(self.get), methods=["GET"]),
            Route(one, answering(self.delete), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """All is checked as for a run: what could never run is refused now, not every night."""
        requests.parameters(request, ())
        wanted = recurring_messages.recurring_request(await requests.json_body(request))
        await self._context.access.check_run(
            request, self._context.database, wanted.run, RECURRING_RUN, wanted.namespace
        )
        schedule.check(wanted.trigger)
        made = await self._recurring(wanted)
        made = await self._context.database.write(_record, made, ids.new())
        self._context.hints.hint(TOPIC, made.recurring_run_id)
        return JSONResponse(wire.recurring_run(made))

    async def list(self, request: Request) -> Response:
        given = requests.parameters(request, paging.PARAMETERS | {"namespace", "experiment_id"})
        within = await self._context.access.narrow(
            request, self._context.database, given, RECURRING_RUN
        )
        query, text = paging.query(given, filters.RECURRING, within)
        page = await self._context.database.read(listing.list_recurring_runs, query)
        token = paging.token(page.last, query, text, filters.RECURRING)
        items = [wire.recurring_run(one) for one in page.items]
        return JSONResponse(wire.page("recurringRuns", items, page.total, token))

    async def get(self, request: Request) -> Response:
        requests.parameters(request, ())
        found = await self._context.database.read(recurring.get_recurring, _id(request))
        return JSONResponse(wire.recurring_run(found))

    async def enable(self, request: Request) -> Response:
        return await self._set_enabled(request, enabled=True)

    async def disable(self, request: Request) -> Response:
        return await self._set_enabled(request, enabled=False)

    async def delete(self, request: Request) -> Response:
        requests.parameters(request, ())
        await self._context.database.write(recurring.delete_recurring, _id(request))
        return JSONResponse({})

    async def _set_enabled(self, request: Request, *, enabled: bool) -> Response:
        requests.parameters(request, ())
        now = self._context.clock.now()
        await self._context.database.write(
            recurring.set_enabled, _id(request), now, enabled=enabled
        )
        self._context.hints.hint(TOPIC, _id(request))
        return JSONResponse({})

    async def _recurring(self, wanted: recurring_messages.RecurringRequest) -> RecurringRun:
        run = wanted.run
        checked, version = await submission.check(self._context, run)
        now = self._context.clock.now()
        return RecurringRun(
            recurring_run_id=ids.new(),
            display_name=run.display_name,
            description=run.description,
            experiment_id=run.experiment_id,
            service_account=run.service_account,
            created_at=now,
            updated_at=now,
            trigger=wanted.trigger,
            enabled=wanted.enabled,
            max_concurrency=wanted.max_concurrency,
            no_catchup=wanted.no_catchup,
            # A version's spec is taken when its run is made.
            pipeline_spec={} if version else checked.pipeline_spec,
            platform_spec={} if version else checked.platform_spec,
            pipeline_id=version.pipeline_id if version else "",
            pipeline_version_id=run.pipeline_version_id,
            parameters=run.parameters,
            pipeline_root=run.pipeline_root,
        )


def _record(tx: Transaction, made: RecurringRun, new_id: str) -> RecurringRun:
    experiment = submission.experiment_of(tx, made.experiment_id, new_id, made.created_at)
    made = replace(made, experiment_id=experiment.experiment_id, namespace=experiment.namespace)
    recurring.insert_recurring(tx, made)
    return made


def _id(request: Request) -> str:
    return request.path_params["recurring_run_id"]
