"""Metrics of runs: the numbers that their tasks put into artifacts of type Metrics."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import insert, select

from flowmaker.pipelines.records.run import Task, TaskKind
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import metrics

TYPE = "system.Metrics"

#: A run's metrics: the values of each, one for each task that has it.
Metrics = dict[str, list[float]]


def record(tx: Transaction, tasks: Iterable[Task]) -> None:
    """Makes runs findable by what these tasks measured."""
    rows = [
        {"task_id": task.task_id, "run_id": task.run_id, "name": name, "value": value}
        for task in tasks
        for name, value in measured(task).items()
    ]
    if rows:
        tx.execute(insert(metrics).prefix_with("OR REPLACE"), rows)


def measured(task: Task) -> dict[str, float]:
    """The finite numbers of a task; what a group of tasks hands on is the tasks' own."""
    if task.kind is not TaskKind.CONTAINER:
        return {}
    return {
        name: float(value)
        for artifacts in task.outputs.get("artifacts", {}).values()
        for artifact in artifacts
        if artifact.get("type", {}).get("schemaTitle") == TYPE
        for name, value in artifact.get("metadata", {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def names(tx: Transaction, most: int) -> list[str]:
    """Names of metrics that any run has."""
    found = select(metrics.c.name).distinct().order_by(metrics.c.name).limit(most)
    return list(tx.scalars(found))


def of_runs(tx: Transaction, run_ids: Sequence[str], most: int) -> dict[str, Metrics]:
    """What these runs measured: `most` values of all of them together."""
    rows = tx.execute(
        select(metrics.c.run_id, metrics.c.name, metrics.c.value)
        .where(metrics.c.run_id.in_(run_ids))
        .order_by(metrics.c.run_id, metrics.c.name, metrics.c.value)
        .limit(most)
    )
    found: defaultdict[str, Metrics] = defaultdict(dict)
    for run_id, name, value in rows:
        found[run_id].setdefault(name, []).append(value)
    return dict(found)
