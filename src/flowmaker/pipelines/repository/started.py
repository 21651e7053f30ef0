"""The tasks that a process was started for, without what they were given and gave."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from flowmaker.pipelines.records.run import RuntimeState, TaskKind
from flowmaker.store.database import Transaction
from flowmaker.store.schema.pipelines import runs, tasks


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A `Task` in brief, with the namespace of its run."""

    task_id: str
    run_id: str
    namespace: str
    process_id: str
    name: str
    display_name: str
    state: RuntimeState
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Among:
    """Which of them: empty fields do not narrow."""

    namespaces: tuple[str, ...] = ()
    run_id: str = ""


#: What is selected of each, by its name in `Started`.
_COLUMNS = [
    *(tasks.c.task_id, tasks.c.run_id, runs.c.namespace, tasks.c.process_id, tasks.c.name),
    *(tasks.c.display_name, tasks.c.state, tasks.c.created_at, tasks.c.started_at),
    *(tasks.c.ended_at, tasks.c.error),
]


def page(tx: Transaction, among: Among, size: int, after: str = "") -> list[Started] | None:
    """So many of them after the task `after`, of the newest run first; None when it has gone.

    The tasks of a run come as they were made.
    """
    where = _where(among)
    if after:
        place = tx.execute(
            select(runs.c.created_at, runs.c.run_id, tasks.c.created_at)
            .join(tasks, tasks.c.run_id == runs.c.run_id)
            .where(tasks.c.task_id == after)
        ).first()
        if place is None:
            return None
        run_at, run_id, task_at = place
        where += [
            runs.c.created_at <= run_at,  # which an index has
            or_(
                runs.c.created_at < run_at,
                runs.c.run_id < run_id,
                and_(
                    runs.c.run_id == run_id,
                    or_(
                        tasks.c.created_at > task_at,
                        and_(tasks.c.created_at == task_at, tasks.c.task_id > after),
                    ),
                ),
            ),
        ]
    order = (
        *(runs.c.created_at.desc(), runs.c.run_id.desc()),
        *(tasks.c.created_at, tasks.c.task_id),
    )
    query = select(*_COLUMNS).join(runs, runs.c.run_id == tasks.c.run_id).where(*where)
    rows = tx.execute(query.order_by(*order).limit(size))
    return [_started(row) for row in rows.mappings()]


def by_process(tx: Transaction, process_ids: Iterable[str]) -> list[Started]:
    """Those of processes that are their tasks' latest, in no order."""
    wanted = set(process_ids)
    task_ids = sorted({each.rpartition("-")[0] for each in wanted})
    found: list[Started] = []
    for start in range(0, len(task_ids), _AT_ONCE):
        some = task_ids[start : start + _AT_ONCE]
        query = select(*_COLUMNS).join(runs, runs.c.run_id == tasks.c.run_id)
        rows = tx.execute(query.where(tasks.c.task_id.in_(some))).mappings()
        found.extend(_started(row) for row in rows if row["process_id"] in wanted)
    return found


def states(tx: Transaction, among: Among) -> Sequence[tuple[str, str, str, RuntimeState]]:
    """The process, the namespace, the run and the state of each."""
    query = select(tasks.c.process_id, runs.c.namespace, tasks.c.run_id, tasks.c.state)
    rows = tx.execute(query.join(runs, runs.c.run_id == tasks.c.run_id).where(*_where(among)))
    return [(row[0], row[1], row[2], RuntimeState(row[3])) for row in rows]


#: Values in one condition: SQLite has a bound.
_AT_ONCE = 500


def _where(among: Among) -> list[ColumnElement[bool]]:
    where = [tasks.c.kind == TaskKind.CONTAINER.value, tasks.c.process_id != ""]
    if among.namespaces:
        where.append(runs.c.namespace.in_(among.namespaces))
    if among.run_id:
        where.append(runs.c.run_id == among.run_id)
    return where


def _started(row: Mapping[Any, Any]) -> Started:
    values: dict[str, Any] = {**row}
    values["state"] = RuntimeState(values["state"])
    return Started(**values)
