"""Runs and their tasks in the database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from flowmaker.pipelines.driver.cache import CacheEntry
from flowmaker.pipelines.records.catalog import StorageState
from flowmaker.pipelines.records.run import (
    FINAL,
    Run,
    RuntimeState,
    StateChange,
    Task,
    TaskKind,
)
from flowmaker.pipelines.repository import cache, metrics
from flowmaker.store.database import Transaction
from flowmaker.store.prepared import Prepared
from flowmaker.store.schema.pipelines import run_removals, runs, tasks

#: What a retry can make go on.
RETRIABLE = frozenset({RuntimeState.FAILED, RuntimeState.CANCELED})
OPEN = tuple(state.value for state in RuntimeState if state not in FINAL)
#: The runs that were deleted and whose processes have not ended.
LEAVING = select(run_removals.c.run_id)
#: A run that was not deleted.
STAYS = runs.c.run_id.not_in(LEAVING)

# What each step of a run asks and writes is built once: SQLAlchemy takes longer to build a
# statement than SQLite takes to carry it out. What it writes is at the end.
_TERMINATION = select(runs.c.terminate_requested).where(runs.c.run_id == bindparam("of_run"))
_NEW_RUN = insert(runs)


@dataclass(frozen=True, slots=True)
class Applied:
    """It was written; and what the API asks of the run meanwhile."""

    terminate_requested: bool


def insert_run(tx: Transaction, run: Run) -> None:
    """Record that a run is wanted."""
    tx.execute(_NEW_RUN, _run_values(run))


def get_run(tx: Transaction, run_id: str) -> Run | None:
    """A run as everybody sees it: None when there is none, or it was deleted."""
    row = tx.execute(select(runs).where(runs.c.run_id == run_id, STAYS)).first()
    return row_to_run(row) if row else None


def get_run_or_leaving(tx: Transaction, run_id: str) -> Run | None:
    """A run as its controllers see it: also one that was deleted, until its processes ended."""
    row = tx.execute(select(runs).where(runs.c.run_id == run_id)).first()
    return row_to_run(row) if row else None


def tasks_of(tx: Transaction, run_id: str) -> list[Task]:
    """The tasks of a run in the order in which they were made."""
    rows = tx.execute(
        select(tasks).where(tasks.c.run_id == run_id).order_by(tasks.c.created_at, tasks.c.task_id)
    )
    return [row_to_task(row) for row in rows]


def open_run_ids(tx: Transaction) -> list[str]:
    """The runs that have not reached a final state, or are to go in one, oldest first."""
    is_open = or_(runs.c.state.in_(OPEN), runs.c.run_id.in_(LEAVING))
    return list(tx.scalars(select(runs.c.run_id).where(is_open).order_by(runs.c.created_at)))


def expiring_run_ids(tx: Transaction) -> list[str]:
    """The runs that have ended, and will expire."""
    return list(tx.scalars(select(runs.c.run_id).where(runs.c.expires_at.is_not(None))))


def expired(tx: Transaction, run_id: str) -> None:
    """Record that nothing is left of a run's processes."""
    tx.execute(update(runs).where(runs.c.run_id == run_id).values(expires_at=None))


def is_task_open(tx: Transaction, task_id: str) -> bool:
    """Whether there is such a task, and it has not ended."""
    state = tx.execute(select(tasks.c.state).where(tasks.c.task_id == task_id)).scalar()
    return state is not None and not RuntimeState(state).is_final


def request_termination(tx: Transaction, run_id: str) -> bool:
    """Record that the run is to end. False when there is no such run, or it has ended."""
    wanted = (runs.c.run_id == run_id) & runs.c.state.in_(OPEN)
    return tx.execute(update(runs).where(wanted).values(terminate_requested=True)).rowcount > 0


def request_retry(tx: Transaction, run_id: str, now: datetime) -> bool:
    """Record that a run which failed or was cancelled is to go on from where it did.

    False when there is no such run, or it is in no such state. Which tasks go on and which are
    made anew is the controllers' to decide (`lifecycle/again.py`).
    """
    run = get_run(tx, run_id)
    if run is None or run.state not in RETRIABLE:
        return False
    change = StateChange(at=now, state=RuntimeState.PENDING)
    guard = (runs.c.run_id == run_id) & (runs.c.revision == run.revision)
    values = {
        "state": RuntimeState.PENDING.value,
        "state_history": _history((*run.state_history, change)),
        "finished_at": None,
        "error": "",
        "terminate_requested": False,
        "expires_at": None,
        "revision": run.revision + 1,
    }
    return tx.execute(update(runs).where(guard).values(**values)).rowcount > 0


def termination_requested(tx: Transaction, run_id: str) -> bool | None:
    """Whether the run is to end; None when there is no such run (any more)."""
    return tx.scalar(_TERMINATION, {"of_run": run_id})


def are_any_leaving(tx: Transaction) -> bool:
    """Whether there are runs to leave out of lists: mostly there are none."""
    return tx.execute(LEAVING.limit(1)).first() is not None


def request_removal(tx: Transaction, run_id: str) -> bool:
    """Delete a run; one that has not ended is gone for everybody, and ends first.

    It ends as by termination. Returns whether it is gone already.
    """
    if request_termination(tx, run_id):
        tx.execute(insert(run_removals).prefix_with("OR IGNORE"), {"run_id": run_id})
        return False
    delete_run(tx, run_id)
    return True


def remove_if_leaving(tx: Transaction, run_id: str) -> bool:
    """Remove a run that has ended, if it was deleted before. Whether that was so."""
    is_leaving = tx.execute(LEAVING.where(run_removals.c.run_id == run_id)).first() is not None
    return is_leaving and delete_run(tx, run_id)


def delete_run(tx: Transaction, run_id: str) -> bool:
    """Remove a run and its tasks. Its artifacts stay, as KFP's do. False when there is none."""
    tx.execute(delete(tasks).where(tasks.c.run_id == run_id))
    return tx.execute(delete(runs).where(runs.c.run_id == run_id)).rowcount > 0


def set_storage_state(tx: Transaction, run_id: str, state: StorageState) -> bool:
    """Put a run in the archive, or take it out of it. False when there is none."""
    wanted = runs.c.run_id == run_id
    return tx.execute(update(runs).where(wanted).values(storage_state=state.value)).rowcount > 0


def apply(  # noqa: PLR0913 - all that a step may write
    tx: Transaction,
    run: Run,
    *,
    moved: bool = True,
    inserted: Sequence[Task] = (),
    changed: Sequence[Task] = (),
    removed: Sequence[str] = (),
    cached: Sequence[CacheEntry] = (),
) -> Applied | None:
    """Write what was decided on one revision of a run: all of it or, when it is stale, nothing.

    Every change of a run or of its tasks passes here, and each makes a new revision of the run:
    whoever decided on an older one finds that no row is updated. What the API changes
    (`terminate_requested`, `storage_state`) is not written here, so it cannot be lost. Where only
    tasks changed, the run has not `moved`: its state stands in six indexes.
    """
    guard = {"of_run": run.run_id, "of_revision": run.revision - 1, "revision": run.revision}
    found = _MOVED.returning(tx, guard | _moving(run)) if moved else _NEXT.returning(tx, guard)
    if found is None:
        return None
    for entry in cached:
        cache.put(tx, entry)
    for task_id in removed:
        tx.execute(delete(tasks).where(tasks.c.task_id == task_id))
    if removed:
        metrics.record_anew(tx, run.run_id)
    if inserted:
        _NEW_TASK.execute(tx, [_task_values(task) for task in inserted])
    if changed:
        _TASK.execute(tx, [{"of_task": task.task_id, **_changing(task)} for task in changed])
    metrics.record(tx, (*inserted, *changed))
    (terminate_requested,) = found
    return Applied(bool(terminate_requested))


def row_to_run(row: Row[Any]) -> Run:
    values = _values(row)
    values["state"] = RuntimeState(values["state"])
    values["state_history"] = _changes(values["state_history"])
    values["storage_state"] = StorageState(values["storage_state"])
    return Run(**values)


def row_to_task(row: Row[Any]) -> Task:
    values = _values(row)
    values["kind"] = TaskKind(values["kind"])
    values["state"] = RuntimeState(values["state"])
    values["state_history"] = _changes(values["state_history"])
    return Task(**values)


def _values(row: Row[Any]) -> dict[str, Any]:
    """By the names of the columns."""
    return row._asdict()  # pyright: ignore[reportPrivateUsage] - it is documented


def _run_values(run: Run) -> dict[str, Any]:
    values = {name: getattr(run, name) for name in _RUN_FIELDS}
    return values | {
        "state": run.state.value,
        "state_history": _history(run.state_history),
        "storage_state": run.storage_state.value,
        "pipeline_spec": dict(run.pipeline_spec),
        "platform_spec": dict(run.platform_spec),
        "parameters": dict(run.parameters),
    }


def _moving(run: Run) -> dict[str, Any]:
    """What controllers change of a run, beside its revision."""
    return {
        "state": run.state.value,
        "state_history": _history(run.state_history),
        "finished_at": run.finished_at,
        "error": run.error,
        "expires_at": run.expires_at,
    }


def _task_values(task: Task) -> dict[str, Any]:
    values = {name: getattr(task, name) for name in _FIXED}
    return values | {"kind": task.kind.value} | _changing(task)


def _changing(task: Task) -> dict[str, Any]:
    """What may change of a task once it is made."""
    values = {name: getattr(task, name) for name in _PLAIN}
    return values | {
        "state": task.state.value,
        "state_history": _history(task.state_history),
        "inputs": dict(task.inputs),
        "outputs": dict(task.outputs),
    }


#: The columns of `_moving`.
_MOVING = ("state", "state_history", "finished_at", "error", "expires_at")
_RUN_FIELDS = tuple(column.name for column in runs.columns)
#: Of a task: what it is made with, what is written otherwise than it is held, and all else.
_FIXED = ("task_id", "run_id", "parent_task_id", "name", "kind", "component", "created_at")
_OTHERWISE = frozenset({"state", "state_history", "inputs", "outputs"})
_PLAIN = tuple(each.name for each in tasks.columns if each.name not in {*_FIXED, *_OTHERWISE})

_OF_REVISION = (
    update(runs)
    .where(runs.c.run_id == bindparam("of_run"), runs.c.revision == bindparam("of_revision"))
    .returning(runs.c.terminate_requested)
)
_NEXT = Prepared(_OF_REVISION, ["revision"])
_MOVED = Prepared(_OF_REVISION, ["revision", *_MOVING])
_NEW_TASK = Prepared(insert(tasks), tasks.columns.keys())
_TASK = Prepared(
    update(tasks).where(tasks.c.task_id == bindparam("of_task")), [*_PLAIN, *_OTHERWISE]
)


def _history(changes: Iterable[StateChange]) -> list[dict[str, str]]:
    return [
        {"at": change.at.isoformat(), "state": change.state.value, "error": change.error}
        for change in changes
    ]


def _changes(history: Iterable[Mapping[str, str]]) -> tuple[StateChange, ...]:
    return tuple(
        StateChange(
            at=datetime.fromisoformat(entry["at"]),
            state=RuntimeState(entry["state"]),
            error=entry["error"],
        )
        for entry in history
    )
