"""Runs decided to their end, without any process: the test says what each would do."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.ir.graph import graph_of
from flowmaker.pipelines.ir.validate import validate
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.run import End, decide, start
from flowmaker.pipelines.records.run import Run, Task, TaskKind
from tests.fakes.compiled import Package, compiled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
#: What a task's process does: its outputs, or an exception.
Act = Callable[[Task], dict[str, Any]]


def echo(task: Task) -> dict[str, Any]:
    return {"Output": task.inputs["parameters"].get("text", "heads")}


def executed(pipeline: Any, folder: Path, act: Act = echo, **parameters: Any) -> Progress:
    """The pipeline at its end, with `act` for every process."""
    return executed_package(compiled(pipeline, folder), act, **parameters)


def executed_package(
    package: Package,
    act: Act,
    watch: Callable[[Progress], None] = lambda _: None,
    **parameters: Any,
) -> Progress:
    """The same of a package; `watch` sees every step."""
    spec, platform = package
    validate(spec, platform, lambda _: None)
    run = Run(
        run_id="r",
        display_name="r",
        experiment_id="e",
        created_at=NOW,
        pipeline_spec=spec,
        parameters=parameters,
    )
    job = Job(run_id="r", name="r", pipeline="p", root="s3://b", created_at="", scheduled_at="")
    progress = Progress(graph_of(spec, platform), job, run, [])
    ends: list[End] = []
    for _ in range(100):
        decide(progress, ends, NOW)
        for task_id in list(progress.pending):
            start(progress, task_id, NOW)
        progress.changes()
        progress.written()
        watch(progress)
        # A new server finds the same.
        progress = Progress(progress.graph, job, progress.run, progress.tasks.values())
        ends = [_end(progress.tasks[task_id], act) for task_id in progress.running]
    assert progress.run.state.is_final
    return progress


def _end(task: Task, act: Act) -> End:
    try:
        outputs = {"parameters": act(task), "artifacts": {}}
    except RuntimeError as error:
        return End(task_id=task.task_id, error=str(error))
    return End(task_id=task.task_id, outputs=outputs)


def failing(*names: str) -> Act:
    def act(task: Task) -> dict[str, Any]:
        if task.name in names:
            raise RuntimeError(f"{task.name} broke")
        return echo(task)

    return act


def containers(progress: Progress) -> dict[str, str]:
    return {
        task.name: task.state.value
        for task in progress.tasks.values()
        if task.kind is TaskKind.CONTAINER
    }
