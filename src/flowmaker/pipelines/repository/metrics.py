"""Metrics of runs: the numbers that their tasks put into artifacts of type Metrics."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import Text, bindparam, delete, func, insert, select

from flowmaker.pipelines.records.run import Task, TaskKind
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import metrics, run_metrics

TYPE = "system.Metrics"

_COLUMNS = ["run_id", "name", "least", "greatest"]
_OF_ONE = (metrics.c.run_id == bindparam("of_run")) & (metrics.c.name == bindparam("of_name"))
#: Both ends are looked up in an index: a run may have the metric of 10,000 tasks.
_SPAN = (
    insert(run_metrics)
    .prefix_with("OR REPLACE")
    .from_select(
        _COLUMNS,
        select(
            bindparam("of_run", type_=Text),
            bindparam("of_name", type_=Text),
            select(func.min(metrics.c.value)).where(_OF_ONE).scalar_subquery(),
            select(func.max(metrics.c.value)).where(_OF_ONE).scalar_subquery(),
        ),
    )
)

#: A run's metrics: the values of each, one for each task that has it.
Metrics = dict[str, list[float]]


def record(tx: Transaction, tasks: Iterable[Task]) -> None:
    """Makes runs findable by what these tasks measured."""
    rows = [
        {"task_id": task.task_id, "run_id": task.run_id, "name": name, "value": value}
        for task in tasks
        for name, value in measured(task).items()
    ]
    if not rows:
        return
    tx.execute(insert(metrics).prefix_with("OR REPLACE"), rows)
    whose = {(row["run_id"], row["name"]) for row in rows}
    tx.execute(_SPAN, [{"of_run": run_id, "of_name": name} for run_id, name in whose])


def record_anew(tx: Transaction, run_id: str) -> None:
    """Forgets what tasks of the run had measured that are there no more."""
    tx.execute(delete(run_metrics).where(run_metrics.c.run_id == run_id))
    spans = (
        select(
            metrics.c.run_id,
            metrics.c.name,
            func.min(metrics.c.value),
            func.max(metrics.c.value),
        )
        .where(metrics.c.run_id == run_id)
        .group_by(metrics.c.run_id, metrics.c.name)
    )
    tx.execute(insert(run_metrics).from_select(_COLUMNS, spans))


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
