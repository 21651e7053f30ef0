"""The routes that draw pipelines and runs, and tell of their artifacts: `/ui/runs/…` and others."""

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker.errors import InvalidInput, NotFound
from flowmaker.pipelines.api import wire
from flowmaker.pipelines.ir.graph import Graph, graph_of
from flowmaker.pipelines.records.run import Run, Task
from flowmaker.pipelines.repository import catalog, exchanges, nodes, runs
from flowmaker.pipelines.repository.steps import Step, steps_of
from flowmaker.store.database import Database, Transaction
from flowmaker.web.answers import answering, json_response
from flowmaker.web.graph import Steps, level_of_pipeline, level_of_run
from flowmaker.web.lineage import lineage

#: Graphs of runs that are kept: reading one costs milliseconds, and a page asks for it often.
_KEPT = 16
#: The newest runs whose artifacts are told, and the newest of their tasks.
_RUNS, _TASKS = 100, 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    run: Run
    steps: list[Step]


class Drawings:
    """Levels of graphs, and single tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._graphs: dict[str, Graph] = {}

    def routes(self) -> list[Route]:
        version = "/ui/pipelines/{pipeline_id}/versions/{version_id}/graph"
        return [
            Route("/ui/runs/{run_id}/graph", answering(self.of_run)),
            Route("/ui/runs/{run_id}/tasks/{task_id}", answering(self.of_task)),
            Route(version, answering(self.of_version)),
            Route("/ui/artifacts", answering(self.artifacts)),
        ]

    async def of_run(self, request: Request) -> Response:
        """The run in brief, and the level of its graph that `?task=` names."""
        run_id = request.path_params["run_id"]
        seen = await self._database.read(_seen, run_id)
        scope = request.query_params.get("task", "")
        drawn = await asyncio.to_thread(self._level, seen, scope)
        return json_response({"run": _brief(seen.run), "revision": seen.run.revision, **drawn})

    async def of_task(self, request: Request) -> Response:
        """Everything that KFP's API tells of one task; and its container."""
        run_id, task_id = request.path_params["run_id"], request.path_params["task_id"]

        def read(tx: Transaction) -> tuple[Run, Task]:
            run, task = runs.get_run(tx, run_id), nodes.get_task(tx, task_id)
            if run is None or task is None or task.run_id != run_id:
                raise NotFound(f"Run {run_id!r} has no task {task_id!r}.")
            return run, task

        run, task = await self._database.read(read)
        (detail,) = wire.task_details([task])
        container = (await asyncio.to_thread(self._graph, run)).component(task.component).container
        image = {"image": container.image} if container else {}
        return json_response({**detail, **image, "attempt": task.attempt})

    async def of_version(self, request: Request) -> Response:
        """The level of a pipeline's graph that `?task=NAME/NAME` leads to."""
        given = request.path_params
        version = await self._database.read(
            catalog.get_version, given["pipeline_id"], given["version_id"]
        )
        path = [name for name in request.query_params.get("task", "").split("/") if name]
        graph = await asyncio.to_thread(graph_of, version.pipeline_spec, version.platform_spec)
        try:
            return json_response(await asyncio.to_thread(level_of_pipeline, graph, path))
        except KeyError as missing:
            raise InvalidInput(f"The pipeline has no group of tasks {missing}.") from None

    async def artifacts(self, request: Request) -> Response:
        """The artifacts of the newest runs, each with the tasks that made it and that read it."""
        del request
        count, found = await self._database.read(exchanges.exchanges, _RUNS, _TASKS)
        told = await asyncio.to_thread(lineage, found)
        return json_response({"runs": count, "tasks": len(found), "artifacts": told})

    def _level(self, seen: _Seen, scope: str) -> dict[str, Any]:
        return level_of_run(self._graph(seen.run), Steps.of(seen.steps), scope)

    def _graph(self, run: Run) -> Graph:
        graph = self._graphs.pop(run.run_id, None) or graph_of(run.pipeline_spec, run.platform_spec)
        self._graphs[run.run_id] = graph
        while len(self._graphs) > _KEPT:
            self._graphs.pop(next(iter(self._graphs)), None)
        return graph


def _seen(tx: Transaction, run_id: str) -> _Seen:
    run = runs.get_run(tx, run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id!r}.")
    return _Seen(run=run, steps=steps_of(tx, run_id))


def _brief(run: Run) -> dict[str, Any]:
    """As KFP's API has it, without the package."""
    shown = wire.run(run)
    shown.pop("pipeline_spec", None)
    return {**shown, "pipeline_name": run.pipeline_spec.get("pipelineInfo", {}).get("name", "")}
