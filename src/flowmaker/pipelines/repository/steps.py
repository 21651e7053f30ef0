"""The tasks of a run without what they were given and gave: what a drawing of it needs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, select

from flowmaker.pipelines.records.run import RuntimeState, TaskKind
from flowmaker.pipelines.repository.runs import STAYS
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import runs, tasks


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A `Task` in brief."""

    task_id: str
    parent_task_id: str
    name: str
    kind: TaskKind
    component: str
    state: RuntimeState
    display_name: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    #: The result of another task was taken.
    is_cached: bool = False


def steps_of(tx: Transaction, run_id: str) -> list[Step]:
    """The tasks of a run in the order in which they were made."""
    rows = tx.execute(
        select(
            tasks.c.task_id,
            tasks.c.parent_task_id,
            tasks.c.name,
            tasks.c.kind,
            tasks.c.component,
            tasks.c.state,
            tasks.c.display_name,
            tasks.c.started_at,
            tasks.c.ended_at,
            tasks.c.outputs["cached_from"].as_string().is_not(None).label("is_cached"),
        )
        .where(tasks.c.run_id == run_id)
        .order_by(tasks.c.created_at, tasks.c.task_id)
    )
    return [_step(row) for row in rows.mappings()]


def _step(row: RowMapping) -> Step:
    values: dict[str, Any] = {**row}
    values["kind"] = TaskKind(values["kind"])
    values["state"] = RuntimeState(values["state"])
    values["is_cached"] = bool(values["is_cached"])
    return Step(**values)


#: What tells a run from itself at another time.
Mark = tuple[str, int, bool, str]


def mark_of(tx: Transaction, run_id: str) -> Mark | None:
    """The same as before if nothing about the run and its tasks has changed."""
    told = select(runs.c.run_id, runs.c.revision, runs.c.terminate_requested, runs.c.storage_state)
    row = tx.execute(told.where(runs.c.run_id == run_id, STAYS)).first()
    return None if row is None else (row[0], row[1], row[2], row[3])


def revision_of(tx: Transaction, run_id: str) -> int | None:
    """The number of changes that a run has seen; None when there is no such run."""
    return tx.scalar(select(runs.c.revision).where(runs.c.run_id == run_id, STAYS))
