"""The routes that draw pipelines and runs, and tell of their artifacts: `/ui/runs/…` and others."""

import asyncio
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker.errors import InvalidInput, NotFound
from flowmaker.pipelines.api import wire
from flowmaker.pipelines.ir.graph import Graph, graph_of
from flowmaker.pipelines.records.run import Run, Task
from flowmaker.pipelines.repository import catalog, exchanges, nodes, runs
from flowmaker.pipelines.repository.steps import Mark, Step, mark_of, steps_of
from flowmaker.store.database import Database, Transaction
from flowmaker.web.answers import answering, json_response
from flowmaker.web.graph import Steps, level_of_pipeline, level_of_run
from flowmaker.web.lineage import lineage

K = TypeVar("K")
V = TypeVar("V")

#: Graphs of runs, and answers, that are kept: several pages ask for the same again and again.
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
        self._levels: dict[tuple[Mark | None, str], Response] = {}

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
        run_id, scope = request.path_params["run_id"], request.query_params.get("task", "")
        mark = await self._database.read(mark_of, run_id)
        if mark is not None and (mark, scope) in self._levels:  # another tab has asked already
            return self._levels[mark, scope]
        seen = await self._database.read(_seen, run_id)
        drawn = await asyncio.to_thread(self._level, seen, scope)
        brief = {"run": _brief(seen.run), "revision": seen.run.revision}
        return _keep(self._levels, (mark, scope), json_response({**brief, **drawn}))

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
        graph = self._graphs.get(run.run_id) or graph_of(run.pipeline_spec, run.platform_spec)
        return _keep(self._graphs, run.run_id, graph)


def _keep(kept: dict[K, V], key: K, value: V) -> V:
    """Keeps it as the newest of the few that are kept."""
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > _KEPT:
        kept.pop(next(iter(kept)), None)
    return value


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
