"""The routes of runs."""

import asyncio
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flowmaker.errors import FailedPrecondition, InvalidInput, NotFound
from flowmaker.pipelines.api import filters, messages, paging, requests, submission, wire
from flowmaker.pipelines.api.access import RUN
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.status import answering
from flowmaker.pipelines.lifecycle.task import process_id
from flowmaker.pipelines.records.catalog import StorageState
from flowmaker.pipelines.records.run import Run, RuntimeState, Task
from flowmaker.pipelines.repository import catalog, listing, runs
from flowmaker.store.database import Transaction

#: The topic that the runs' controller listens to.
TOPIC = "run"
#: That of the controller of what stays of runs.
RETENTION = "run-retention"
#: Runs with more tasks, or of more components, than this are written out in a thread.
MANY = 100


class Runs:
    """KFP's RunService."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def routes(self) -> list[Route]:
        one = "/runs/{run_id}"
        return [
            Route("/runs", answering(self.create), methods=["POST"]),
            Route("/runs", answering(self.list), methods=["GET"]),
            Route(one + ":archive", answering(self.archive), methods=["POST"]),
            Route(one + ":unarchive", answering(self.unarchive), methods=["POST"]),
            Route(one + ":retry", answering(self.retry), methods=["POST"]),
            Route(one + ":terminate", answering(self.terminate), methods=["POST"]),
            Route(one, answering(self.get), methods=["GET"]),
            Route(one, answering(self.delete), methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        """Everything is checked before anything is written; then all of it in one write."""
        given = requests.parameters(request, ("experiment_id",))
        wanted = messages.run_request(await requests.json_body(request))
        wanted = _in_experiment(wanted, given.get("experiment_id", ""))
        await self._context.access.check_run(request, self._context.database, wanted, RUN)
        run = await submission.submit(self._context, wanted)
        self._context.hints.hint(TOPIC, run.run_id)
        return JSONResponse(wire.run(run))

    async def list(self, request: Request) -> Response:
        given = requests.parameters(request, paging.PARAMETERS | {"namespace", "experiment_id"})
        within = await self._context.access.narrow(request, self._context.database, given, RUN)
        query, text = paging.query(given, filters.RUN, within)
        page = await self._context.database.read(listing.list_runs, query)
        token = paging.token(page.last, query, text, filters.RUN)
        items = [wire.run(run) for run in page.items]
        return JSONResponse(wire.page("runs", items, page.total, token))

    async def get(self, request: Request) -> Response:
        run_id, experiment_id = _ids(request)

        def load(tx: Transaction) -> tuple[Run, list[Task]]:
            return _found(tx, run_id, experiment_id), runs.tasks_of(tx, run_id)

        run, tasks = await self._context.database.read(load)
        tasks = [self._waiting(run, task) for task in tasks]
        if len(tasks) > MANY or len(run.pipeline_spec.get("components", ())) > MANY:
            return await asyncio.to_thread(lambda: JSONResponse(wire.run(run, tasks)))
        return JSONResponse(wire.run(run, tasks))

    def _waiting(self, run: Run, task: Task) -> Task:
        """A task that waits for room says so, as it is now, in the last line of its history."""
        if task.state is not RuntimeState.PENDING or not task.state_history:
            return task
        said = self._context.waits_for(process_id(run, task.task_id, task.attempt + 1))
        *past, last = task.state_history
        return replace(task, state_history=(*past, replace(last, error=said))) if said else task

    async def terminate(self, request: Request) -> Response:
        run_id, experiment_id = _ids(request)

        def record(tx: Transaction) -> None:
            run = _found(tx, run_id, experiment_id)
            if not runs.request_termination(tx, run_id):
                raise FailedPrecondition(
                    f"Run {run_id!r} has ended ({run.state}); it cannot be terminated any more."
                )

        await self._context.database.write(record)
        self._context.hints.hint(TOPIC, run_id)
        return JSONResponse({})

    async def retry(self, request: Request) -> Response:
        """The run goes on from what failed; what succeeded keeps its outputs."""
        run_id, experiment_id = _ids(request)
        now = self._context.clock.now()

        def record(tx: Transaction) -> None:
            run = _found(tx, run_id, experiment_id)
            if not runs.request_retry(tx, run_id, now):
                raise FailedPrecondition(
                    f"Run {run_id!r} is {run.state}. Only a run that failed or was cancelled can "
                    "be retried."
                )

        await self._context.database.write(record)
        self._context.hints.hint(TOPIC, run_id)
        return JSONResponse({})

    async def archive(self, request: Request) -> Response:
        run_id, experiment_id = _ids(request)

        def record(tx: Transaction) -> None:
            _found(tx, run_id, experiment_id)
            runs.set_storage_state(tx, run_id, StorageState.ARCHIVED)

        await self._context.database.write(record)
        return JSONResponse({})

    async def unarchive(self, request: Request) -> Response:
        run_id, experiment_id = _ids(request)

        def record(tx: Transaction) -> None:
            run = _found(tx, run_id, experiment_id)
            _check_experiment_is_open(tx, run)
            runs.set_storage_state(tx, run_id, StorageState.AVAILABLE)

        await self._context.database.write(record)
        return JSONResponse({})

    async def delete(self, request: Request) -> Response:
        """From the answer on there is no such run; what it still runs is ended, as in KFP."""
        run_id, experiment_id = _ids(request)

        def record(tx: Transaction) -> bool:
            _found(tx, run_id, experiment_id)
            return runs.request_removal(tx, run_id)

        is_gone = await self._context.database.write(record)
        self._context.hints.hint(RETENTION if is_gone else TOPIC, run_id)
        return JSONResponse({})


def _ids(request: Request) -> tuple[str, str]:
    """The run, and the experiment that the deprecated query parameter says it is in."""
    given = requests.parameters(request, ("experiment_id",))
    return request.path_params["run_id"], given.get("experiment_id", "")


def _found(tx: Transaction, run_id: str, experiment_id: str) -> Run:
    run = runs.get_run(tx, run_id)
    if run is None or (experiment_id and run.experiment_id != experiment_id):
        of = f" in experiment {experiment_id!r}" if experiment_id else ""
        raise NotFound(f"There is no run {run_id!r}{of}.")
    return run


def _check_experiment_is_open(tx: Transaction, run: Run) -> None:
    """A run stays in the archive while its experiment is there; it may also be gone."""
    try:
        experiment = catalog.get_experiment(tx, run.experiment_id)
    except NotFound:
        return
    if experiment.storage_state is StorageState.ARCHIVED:
        raise FailedPrecondition(
            f"Experiment {run.experiment_id!r} is archived. Unarchive it first."
        )


def _in_experiment(wanted: messages.RunRequest, experiment_id: str) -> messages.RunRequest:
    if not experiment_id or experiment_id == wanted.experiment_id:
        return wanted
    if wanted.experiment_id:
        raise InvalidInput("run: experiment_id is another one in the query than in the body.")
    return replace(wanted, experiment_id=experiment_id)
