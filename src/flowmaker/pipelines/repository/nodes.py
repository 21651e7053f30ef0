"""Single tasks of a run by any of their names; KFP's routes call them nodes."""

from datetime import datetime

from sqlalchemy import or_, select

from flowmaker.pipelines.records.run import Task
from flowmaker.pipelines.repository.runs import row_to_task
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import tasks


def get_task(tx: Transaction, task_id: str) -> Task | None:
    row = tx.execute(select(tasks).where(tasks.c.task_id == task_id)).first()
    return row_to_task(row) if row else None


def named(tx: Transaction, run_id: str, node_id: str) -> list[Task]:
    """The tasks of a run that `node_id` may mean: by task id, pod name, name or display name."""
    # A pod is `<task id>-<attempt>`; the pods of earlier attempts are in no column.
    of_pod = node_id.rpartition("-")[0]
    wanted = or_(
        tasks.c.task_id.in_((node_id, of_pod)),
        tasks.c.name == node_id,
        tasks.c.display_name == node_id,
    )
    rows = tx.execute(
        select(tasks).where(tasks.c.run_id == run_id, wanted).order_by(tasks.c.created_at)
    )
    return [row_to_task(row) for row in rows]


def all_task_ids(tx: Transaction) -> set[str]:
    """The tasks of all runs."""
    return set(tx.scalars(select(tasks.c.task_id)))


def task_ids_ended_before(tx: Transaction, when: datetime) -> set[str]:
    """The tasks that ended earlier than that."""
    return set(tx.scalars(select(tasks.c.task_id).where(tasks.c.ended_at < when)))
