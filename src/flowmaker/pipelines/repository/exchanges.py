"""What the tasks of the newest runs read and made, across runs: what lineage is told from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from flowmaker.pipelines.records.catalog import StorageState
from flowmaker.pipelines.records.run import TaskKind
from flowmaker.pipelines.repository.runs import STAYS
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import runs, tasks

Artifacts = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A task's artifacts, by the names that it has for them."""

    run_id: str
    run_name: str
    task_id: str
    task_name: str
    created_at: datetime
    read: Artifacts
    made: Artifacts
    #: The run and the task whose result was taken.
    cached_from: dict[str, str] | None = None


def exchanges(tx: Transaction, most_runs: int, most_tasks: int) -> tuple[int, list[Exchange]]:
    """How many of the newest runs were looked at, and their tasks with artifacts, newest first."""
    newest = list(
        tx.scalars(
            select(runs.c.run_id)
            .where(runs.c.storage_state == StorageState.AVAILABLE.value, STAYS)
            .order_by(runs.c.created_at.desc())
            .limit(most_runs)
        )
    )
    read, made = tasks.c.inputs["artifacts"], tasks.c.outputs["artifacts"]
    rows = tx.execute(
        select(
            tasks.c.run_id,
            runs.c.display_name.label("run_name"),
            tasks.c.task_id,
            tasks.c.name,
            tasks.c.display_name,
            tasks.c.created_at,
            read.label("read"),
            made.label("made"),
            tasks.c.outputs["cached_from"].label("cached_from"),
        )
        .join(runs, runs.c.run_id == tasks.c.run_id)
        .where(
            tasks.c.run_id.in_(newest),
            tasks.c.kind == TaskKind.CONTAINER.value,
            or_(read.as_string() != "{}", made.as_string() != "{}"),
        )
        .order_by(tasks.c.created_at.desc(), tasks.c.task_id)
        .limit(most_tasks)
    )
    return len(newest), [
        Exchange(
            run_id=row.run_id,
            run_name=row.run_name,
            task_id=row.task_id,
            task_name=row.display_name or row.name,
            created_at=row.created_at,
            read=row.read or {},
            made=row.made or {},
            cached_from=row.cached_from,
        )
        for row in rows
    ]
